/** The model of a response that no agent answers: looked up before the turn begins. */
import { expect, test } from 'vitest';
import { err, ok } from '../../../shared/core/result.ts';
import type { WantedRoute } from '../../../shared/inference/resolve-route.ts';
import { requirePlainModel } from '../../../workers/routes/responses/create-response.ts';
import type { TenantRequest } from '../../../workers/edge/tenant-call.ts';

test('a plain model is refused only by the bridges that are there now, never by a kept view alone', async () => {
  const request = {
    requestId: 'req_1',
    catalog: async () => ok({ pool: { bridges: [], defaultModel: null }, prices: new Map() }),
    route: async ({ model }: WantedRoute) => (model === 'org/come' ? ok() : err('model_not_found')),
  } as unknown as TenantRequest;
  expect(await requirePlainModel(request, 'org/come')).toMatchObject({ ok: true });
  expect(await requirePlainModel(request, 'org/none')).toMatchObject({ failure: { code: 'model_not_found' } });
});
