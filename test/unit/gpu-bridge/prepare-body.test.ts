/** What a node is asked is what it is given: it fetches nothing for anybody. (O-1) */
import { expect, test } from 'vitest';
import { prepareBody } from '../../../gpu-bridge/prepare-body.ts';

const allowed = { operation: 'chat', max_output_tokens: 10 } as const;
const messages = [{ role: 'user', content: 'hello' }];
const foreign = { type: 'image_url', image_url: { url: 'http://169.254.169.254/' } };

test.each([
  ['messages', { messages: [{ role: 'user', content: [foreign] }] }],
  ['documents', { messages, documents: [foreign] }],
  ['input', { messages, input: [[foreign]] }],
])('an address among %s is refused', (param, body) => {
  expect(prepareBody(body, allowed)).toMatchObject({ ok: false, failure: { code: 'invalid_request', param } });
});

test('a schema that speaks of addresses is none, and an image that is there itself goes along', () => {
  const parameters = { type: 'object', properties: { image_url: { type: 'string' }, x_url: 'string' } };
  const tools = [{ type: 'function', function: { name: 'f', parameters } }];
  const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }];
  const body = {
    messages: [{ role: 'user', content }],
    tools,
    response_format: { type: 'json_schema', json_schema: parameters },
  };
  expect(prepareBody(body, allowed)).toMatchObject({ ok: true, value: { ...body, max_tokens: 10 } });
});
