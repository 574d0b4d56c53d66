import { describe, expect, it } from 'vitest';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { loadBridgeIdentity } from '../../../gpu-bridge/bridge-key.ts';
import { ConfigError, parseConfig } from '../../../gpu-bridge/config.ts';
import { createNodes } from '../../../gpu-bridge/create-nodes.ts';
import { isId } from '../../../shared/core/ids.ts';
import { makeTempDir, startFakeNode, startHarness } from '../../support/bridge-harness.ts';

const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'abc' };
const good = { FREEHOLD_PLATFORM_URL: 'http://127.0.0.1:8787', FREEHOLD_PLATFORM_KEYS: JSON.stringify(jwk) };

describe('the configuration', () => {
  it('has defaults that listen on this machine only', () => {
    expect(parseConfig(good)).toMatchObject({ host: '127.0.0.1', transport: 'http', platform_keys: { keys: [jwk] } });
    expect(parseConfig(good).nodes).toBeUndefined();
  });

  it('takes the command line before the environment before the file', () => {
    const file = () => JSON.stringify({ port: 1, host: 'a', data_dir: 'd' });
    const config = parseConfig(
      { ...good, FREEHOLD_BRIDGE_PORT: '2', FREEHOLD_BRIDGE_HOST: 'b' },
      ['--config', 'x', '--port', '3'],
      file,
    );
    expect(config).toMatchObject({ port: 3, host: 'b', data_dir: 'd' });
  });

  it('never keeps a private part of the platform key', () => {
    const keys = JSON.stringify({ keys: [{ ...jwk, d: 'secret', kid: 'k' }] });
    expect(parseConfig({ ...good, FREEHOLD_PLATFORM_KEYS: keys }).platform_keys).toEqual({
      keys: [{ ...jwk, kid: 'k' }],
    });
  });

  const wrong: [string, Record<string, string | undefined>, string[], RegExp][] = [
    ['no platform', { ...good, FREEHOLD_PLATFORM_URL: undefined }, [], /platform_url \(set FREEHOLD_PLATFORM_URL\)/],
    ['a port that is none', { ...good, FREEHOLD_BRIDGE_PORT: '99999' }, [], /port \(from FREEHOLD_BRIDGE_PORT\)/],
    ['a port flag that is none', good, ['--port', 'x'], /port \(from --port\)/],
    [
      'keys that are no JSON',
      { ...good, FREEHOLD_PLATFORM_KEYS: '{' },
      [],
      /platform_keys \(from FREEHOLD_PLATFORM_KEYS\): is not valid JSON/,
    ],
    ['a key of another curve', { ...good, FREEHOLD_PLATFORM_KEYS: '{"kty":"EC"}' }, [], /platform_keys/],
    ['a bridge id that is none', { ...good, FREEHOLD_BRIDGE_ID: 'x' }, [], /bridge_id.*must be a bridge id/],
    [
      'a node without its url',
      { ...good, FREEHOLD_NODES: '[{"kind":"vllm","name":"a"}]' },
      [],
      /nodes\.0\.url .*is required for a node of kind "vllm"/,
    ],
    [
      'a node without its file',
      { ...good, FREEHOLD_NODES: '[{"kind":"gguf","name":"a"}]' },
      [],
      /nodes\.0\.model_path/,
    ],
    [
      'models to keep warm where they cost',
      { ...good, FREEHOLD_NODES: '[{"kind":"vllm","name":"a","url":"http://a","external":true,"keep_warm":["m"]}]' },
      [],
      /nodes\.0\.keep_warm .*operator's own hardware/,
    ],
    ['an unknown kind', { ...good, FREEHOLD_NODES: '[{"kind":"tgi","name":"a"}]' }, [], /nodes\.0\.kind/],
    [
      'an unknown field',
      { ...good, FREEHOLD_NODES: '[{"kind":"extractive","name":"a","api_key":"s"}]' },
      [],
      /unknown field api_key/,
    ],
    [
      'two nodes of one name',
      { ...good, FREEHOLD_NODES: '[{"kind":"extractive","name":"a"},{"kind":"extractive","name":"a"}]' },
      [],
      /nodes\.1\.name/,
    ],
    ['an unknown flag', good, ['--speed', '3'], /--speed/],
    ['a url that is no web address', { ...good, FREEHOLD_PLATFORM_URL: 'file:///etc' }, [], /platform_url.*http/],
  ];
  for (const [name, environment, args, message] of wrong) {
    it(`with ${name} is refused by a message that names the field`, () => {
      expect(() => parseConfig(environment, args)).toThrow(message);
      expect(() => parseConfig(environment, args)).toThrow(ConfigError);
    });
  }

  it('reads keys of nodes from the environment by name, and says when one is missing', () => {
    const config = parseConfig({
      ...good,
      FREEHOLD_NODES: '[{"kind":"openai-compatible","name":"x","url":"http://h","api_key_env":"X_KEY"}]',
    });
    expect(() => createNodes(config.nodes, {})).toThrow(/node "x": api_key_env names X_KEY, which is not set/);
    expect(createNodes(config.nodes, { X_KEY: 's' }).map((node) => node.kind)).toEqual([
      'openai-compatible',
      'extractive',
    ]);
    expect(createNodes(undefined, {}).map((node) => node.kind)).toEqual(['vllm', 'ollama', 'extractive']);
  });
});

describe("the bridge's identity", () => {
  it('is made once, kept for its owner only, and the same at every start', async () => {
    const dataDir = makeTempDir();
    const load = () => loadBridgeIdentity({ dataDir, id: undefined, privateJwk: undefined, now: 1_800_000_000_000 });
    const first = await load();
    expect(isId('bridge', first.id)).toBe(true);
    expect(first.publicJwk).not.toHaveProperty('d');
    expect(statSync(join(dataDir, 'bridge-key.json')).mode & 0o777).toBe(0o600);
    const second = await load();
    expect([second.id, second.publicJwk]).toEqual([first.id, first.publicJwk]);
  });
});

describe('nodes of each kind', () => {
  it('ollama: models from /api/tags, and what Ollama would ignore is refused', async () => {
    const node = await startFakeNode({ models: ['llama3.2:latest', 'nomic-embed-text:latest'] });
    const harness = await startHarness({ nodes: [{ kind: 'ollama', name: 'ollama', url: node.url }] });
    const model = 'llama3.2:latest';
    for (const body of [{ tool_choice: 'required' }, { logit_bias: { 1: 5 } }, { n: 2 }]) {
      const answer = await harness.chat({ model, ...body });
      expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([400, 'unsupported_parameter']);
    }
    const tools = [{ type: 'function', function: { name: 'x' } }];
    expect((await harness.chat({ model, tools, tool_choice: 'none' })).status).toBe(200);
    expect(node.requests.at(-1)?.body).not.toHaveProperty('tools');
    expect((await harness.chat({ model, tools, tool_choice: 'auto' })).status).toBe(200);
    expect(node.requests.at(-1)?.body).toHaveProperty('tools');
    const claims = { operation: 'embeddings', model: 'nomic-embed-text:latest', max_output_tokens: 0 } as const;
    const tokens = await harness.post(
      '/v1/embeddings',
      { model: claims.model, input: [[1, 2]] },
      await harness.token(claims),
    );
    expect(tokens.status).toBe(400);
  });

  it('vllm: usage is asked for with every chunk, and neither it nor the request of it reaches the caller', async () => {
    const node = await startFakeNode();
    const harness = await startHarness({ nodes: [{ kind: 'vllm', name: 'vllm', url: node.url }] });
    const answer = await harness.chatAndReceipt({ stream: true });
    expect(node.requests[0]?.body['stream_options']).toEqual({ include_usage: true, continuous_usage_stats: true });
    expect(answer.text).not.toContain('usage');
    expect(answer.receipt).toMatchObject({ node_kind: 'vllm', counted_by: 'node', output_tokens: 5 });
  });

  it('get the request id and the trace of the run, and never the job token', async () => {
    const node = await startFakeNode();
    const harness = await startHarness({
      nodes: [{ kind: 'openai-compatible', name: 'x', url: `${node.url}/v1/`, api_key_env: 'X_KEY' }],
      deps: { environment: { X_KEY: 'secret' } },
    });
    const { run } = await harness.chat();
    expect(node.requests[0]?.headers).toMatchObject({ 'x-request-id': run, authorization: 'Bearer secret' });
  });
});
