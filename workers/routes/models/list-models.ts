import { ok } from '../../../shared/core/result.ts';
import { modelList } from '../../../shared/contracts/models.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { usableModels } from './usable-models.ts';

export const listModels = tenantRoute(
  {
    method: 'GET',
    path: '/v1/models',
    operation: 'listModels',
    summary: 'List what this credential may put into `model`: agents and plain models.',
    tag: 'Models',
    surface: 'openai',
    permission: 'inference:invoke',
    reach: 'own',
    answer: { status: 200, schema: modelList },
  },
  async (call) => {
    const models = await usableModels(call);
    return models.ok ? ok(json({ object: 'list', data: models.value })) : models;
  },
);
