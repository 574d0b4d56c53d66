/** Every failure on the wire: its status, its shape on either surface, and nothing of its reason. */
import { describe, expect, test } from 'vitest';
import { errorBody, problemBody } from '../../../shared/contracts/common.ts';
import { fail, failureKinds, type FailureCode } from '../../../shared/core/failure.ts';
import type { RequestContext } from '../../../workers/edge/request-context.ts';
import { problemResponse } from '../../../workers/http/problem-response.ts';

const codes = Object.keys(failureKinds) as FailureCode[];
const context = (accept = '*/*') =>
  ({
    request: new Request('http://x/', { headers: { accept } }),
    requestId: 'req_1',
    event: {},
  }) as unknown as RequestContext;

describe('problemResponse', () => {
  test.each(codes)("%s is OpenAI's error object, on either surface", async (code) => {
    for (const surface of ['openai', 'native'] as const) {
      const answer = problemResponse(context(), fail(code, undefined, { reason: 'SQLITE_TOOBIG at line 7' }), surface);
      const text = await answer.text();
      expect(errorBody.strict().parse(JSON.parse(text)).error.code).toBe(code);
      expect(text).not.toContain('SQLITE');
      expect(answer.status).toBe(failureKinds[code].status);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('x-should-retry')).toBe(String(failureKinds[code].retryable));
      expect(answer.headers.get('www-authenticate')).toBe(answer.status === 401 ? 'Bearer' : null);
    }
  });

  test.each(codes)('%s is a problem document for who asks the native API for one', async (code) => {
    const answer = problemResponse(context('application/problem+json'), fail(code), 'native');
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(problemBody.strict().parse(await answer.json())).toMatchObject({
      status: answer.status,
      code,
      instance: 'req_1',
    });
    const openai = problemResponse(context('application/problem+json'), fail(code), 'openai');
    expect(openai.headers.get('content-type')).toBe('application/json');
  });

  test('tells when to come back, in whole seconds never too early, and logs the reason', () => {
    const asked = context();
    const answer = problemResponse(
      asked,
      fail('rate_limit_exceeded', undefined, { retryAfterMs: 1_200.5, reason: 'why' }),
      'openai',
    );
    expect([answer.headers.get('retry-after-ms'), answer.headers.get('retry-after')]).toEqual(['1201', '2']);
    expect(asked.event).toEqual({ error_code: 'rate_limit_exceeded', error_reason: 'why' });
  });
});
