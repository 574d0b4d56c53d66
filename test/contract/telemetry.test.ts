/** Telemetry as its readers see it: what a request did shows soon after its answer, once, and what runs used is the ledger's. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Telemetry } from '../../shared/contracts/telemetry.ts';
import { attributeOf, OtlpCollector } from '../support/otlp-collector.ts';
import { AgentModel, PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';
import { panelQueries } from '../support/dashboards.ts';
import { promtool } from '../support/promtool.ts';
import { RunningPrometheus } from '../support/running-prometheus.ts';
import { waitUntil } from '../support/wait-until.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

let world: PlatformWithNode;
let collector: OtlpCollector;

beforeAll(async () => {
  collector = await OtlpCollector.start();
  world = await startPlatformWithNode({ otlp: { url: collector.url, headers: 'authorization=Bearer collect' } });
});
afterAll(async () => {
  await world.stop();
  await collector.close();
});

function read(query = ''): Promise<Telemetry> {
  return world.platform.client(world.tenant).require<Telemetry>('GET', `/v1/telemetry${query}`);
}

function chat(body: object, token?: string) {
  const messages = [{ role: 'user', content: 'hello' }];
  return world.platform.call('POST', `${world.tenant.slug}.localhost`, '/v1/chat/completions', {
    token: token ?? world.tenant.key,
    body: { model: PlainModel, messages, max_tokens: 20, ...body },
  });
}

it('what was asked is told: requests, errors, sessions, latencies, and the runs with the tokens of the ledger', async () => {
  const answers = await Promise.all([
    chat({}),
    chat({}),
    chat({ stream: true }),
    chat({ model: 'nothing' }),
    chat({}, 'fh_nobody'),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404, 401]);
  await world.settle();
  const { total, active_sessions: sessions } = await waitUntil('everything is counted', async () => {
    const told = await read();
    return told.total.requests >= 5 && told.total.runs >= 3 && told;
  });
  const ledger = await world.ledger();
  expect(total).toMatchObject({
    requests: 5,
    errors: 2,
    errors_by_type: { model_not_found: 1, invalid_api_key: 1 },
    runs: 3,
    runs_by_outcome: { completed: 3 },
    output_tokens: ledger.outputTokens,
    input_tokens: ledger.inputTokens,
  });
  expect(sessions).toBe(1);
  for (const { p50, p99 } of [total.duration_ms, total.first_byte_ms, total.run_ms])
    expect(p99).toBeGreaterThanOrEqual(p50!);
  expect(total.first_token_ms.p50).not.toBeNull();
  const byModel = await read('?group_by=model');
  expect(byModel.groups.find(({ model }) => model === PlainModel)).toMatchObject({ requests: 3, runs: 3 });
});

it('the metrics of tenant, platform and bridge pass `promtool check metrics`, and say what was counted', async () => {
  const { platform, tenant } = world;
  const apex = (path: string) => platform.call('GET', 'localhost', path, { token: platform.secrets.operator_token });
  const own = await platform.call('GET', `${tenant.slug}.localhost`, '/metrics', { token: tenant.key });
  const bridge = await (await fetch(`${platform.bridge.url}/metrics`)).text();
  const { text: whole } = await apex('/metrics');
  for (const text of [own.text, whole, bridge])
    expect(promtool(['check', 'metrics'], text)).toEqual({ ok: true, text: '' });
  expect(own.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(own.text).toContain(`freehold_requests_total{kind="inference",agent="",model="${PlainModel}"} 3`);
  expect(own.text).toContain('freehold_request_errors_total{kind="inference",code="model_not_found"} 1');
  expect(own.text).toContain('freehold_active_sessions 1');
  expect(whole).toMatch(/freehold_node_ready\{bridge="brg_\w+",node="fake"\} 1/);
  expect(bridge).toContain(`freehold_bridge_runs_total{operation="chat",model="${PlainModel}",outcome="completed"} 3`);
  expect(bridge).toContain('freehold_bridge_node_state{node="fake",state="ready"} 1');
  expect(bridge).toContain('freehold_bridge_canaries_total{node="fake",result="answered"}');
  expect((await apex('/operator/v1/telemetry')).status).toBe(200);
});

it('Prometheus itself scrapes tenant, platform and bridge by the configuration, evaluates every rule, and answers every panel', async () => {
  const { platform, tenant } = world;
  const own = `${tenant.slug}.localhost`;
  const prometheus = await RunningPrometheus.start(
    {
      'freehold-platform': { host: 'localhost', token: platform.secrets.operator_token },
      'freehold-tenant': { host: own, token: tenant.key },
      'freehold-bridge': { host: 'bridge.localhost' },
    },
    async (host, token) => {
      if (host !== 'bridge.localhost')
        return platform.call('GET', host, '/metrics', token === undefined ? {} : { token });
      const answer = await fetch(`${platform.bridge.url}/metrics`);
      return { status: answer.status, text: await answer.text() };
    },
  );
  try {
    const jobs = ['freehold-bridge', 'freehold-platform', 'freehold-tenant'];
    const up = await waitUntil('all three are scraped', async () => {
      const found = await prometheus.values('up', 'job');
      return Object.values(found).filter((value) => value === 1).length === jobs.length && found;
    });
    expect(Object.keys(up).toSorted()).toEqual(jobs);
    const counted = 'sum by (kind) (freehold_requests_total{job="freehold-tenant"})';
    await waitUntil('what the scrapes of the tenant count', async () =>
      Object.keys(await prometheus.values(counted, 'kind')).includes('api'),
    );
    type Rule = { name: string; health: string; lastError?: string; lastEvaluation: string };
    type Rules = { groups: { rules: Rule[] }[] };
    const scraped = Date.now();
    const judged = await waitUntil('every rule is evaluated on what was scraped', async () => {
      const rules = (await prometheus.read<Rules>('rules')).groups.flatMap((group) => group.rules);
      return rules.every(({ lastEvaluation }) => Date.parse(lastEvaluation) > scraped) && rules;
    });
    expect(judged.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(judged.length).toBeGreaterThan(5);
    for (const query of panelQueries()) await prometheus.read('query', { query });
  } finally {
    await prometheus.stop();
  }
});

it('one trace goes from the caller through edge, turn and bridge to the node, and the collector takes every document', async () => {
  const traceId = 'a'.repeat(31) + '1';
  const caller = 'b'.repeat(15) + '2';
  const { platform, tenant, node } = world;
  const answer = await platform.call('POST', `${tenant.slug}.localhost`, '/v1/responses', {
    token: tenant.key,
    body: { model: AgentModel, input: 'hello' },
    headers: { traceparent: `00-${traceId}-${caller}-01` },
  });
  expect(answer.status).toBe(200);
  const find = (name: string) => collector.spans.find((span) => span.traceId === traceId && span.name === name);
  const { edge, turn, run } = await waitUntil('the collector has the trace', () => {
    const [edge, turn, run] = [find('POST /v1/responses'), find('invoke_agent helper'), find(`chat ${PlainModel}`)];
    return edge && turn && run && { edge, turn, run };
  });
  expect([edge.parentSpanId, turn.parentSpanId, run.parentSpanId]).toEqual([caller, edge.spanId, turn.spanId]);
  const asked = node.requests.map(({ headers }) => headers['traceparent']);
  expect(asked).toContain(`00-${traceId}-${run.spanId}-01`);
  expect(attributeOf(edge, 'http.response.status_code')).toBe('200');
  expect(attributeOf(turn, 'gen_ai.operation.name')).toBe('invoke_agent');
  expect(attributeOf(run, 'gen_ai.request.model')).toBe(PlainModel);
  expect(attributeOf(run, 'gen_ai.usage.output_tokens')).toBe(attributeOf(turn, 'gen_ai.usage.output_tokens'));
  const wanted = [
    'gen_ai.client.operation.duration',
    'gen_ai.client.token.usage',
    'gen_ai.server.time_to_first_token',
    'http.server.request.duration',
  ];
  const told = () => [...new Set(collector.metrics.map(({ name }) => name))].toSorted();
  await waitUntil('the collector has the measurements', () => told().length === wanted.length);
  expect(told()).toEqual(wanted);
  expect(collector.faults).toEqual([]);
  expect([...collector.credentials]).toEqual(['Bearer collect']);
  expect(JSON.stringify(collector.spans)).not.toContain('hello');
});

it('what a request caused reaches webhooks in its trace: under the turn where an agent did it, under the request where its caller did', async () => {
  const receiver = await WebhookReceiver.start();
  try {
    const traceId = crypto.randomUUID().replaceAll('-', '');
    const headers = { traceparent: `00-${traceId}-${'b'.repeat(15)}3-01` };
    const { platform, tenant } = world;
    const host = `${tenant.slug}.localhost`;
    const own = platform.client(tenant);
    const events = ['response.*', 'task.*', 'agent.*', 'memory.*'];
    const hook = await own.require<{ id: string }>('POST', '/v1/webhooks', { url: receiver.url('/traced'), events });
    const call = async (method: 'POST' | 'PATCH', path: string, body: object) => {
      const { status, json } = await platform.call(method, host, path, { token: tenant.key, body, headers });
      expect(status).toBeLessThan(300);
      return json() as { id: string };
    };
    const typeOf = ({ body }: { body: string }) => (JSON.parse(body) as { type: string }).type;
    const got = (type: string) => receiver.on('/traced').find((delivery) => typeOf(delivery) === type)?.headers;
    const find = (name: string) => collector.spans.find((span) => span.traceId === traceId && span.name === name);

    await call('POST', '/v1/responses', { model: AgentModel, input: 'hello' });
    await receiver.until(() => got('response.completed') !== undefined);
    const turn = await waitUntil('the span of the turn', () => find('invoke_agent helper'));
    expect(got('response.completed')!['traceparent']).toBe(`00-${traceId}-${turn.spanId}-01`);

    const { id } = await call('POST', '/v1/agents', { slug: `traced-${traceId}`, name: 'Traced' });
    await receiver.until(() => got('agent.created') !== undefined);
    const edge = await waitUntil('the span of the request', () => find('POST /v1/agents'));
    expect(got('agent.created')!['traceparent']).toBe(`00-${traceId}-${edge.spanId}-01`);
    await call('PATCH', `/v1/agents/${id}/persona`, { tone: 'brief' });
    await receiver.until(() => got('agent.state_changed') !== undefined);
    expect(got('agent.state_changed')!['traceparent']).toContain(traceId);

    for (const [type, path, body] of [
      ['task.created', `/v1/agents/${id}/tasks`, { input: 'hello' }],
      ['memory.written', `/v1/agents/${id}/memories`, { text: 'The lamp is in the hall.' }],
      ['webhook.test', `/v1/webhooks/${hook.id}/test`, {}],
    ] as const) {
      await call('POST', path, body);
      await receiver.until(() => got(type) !== undefined);
      expect(got(type)!['traceparent'], type).toContain(traceId);
    }
    expect(JSON.stringify((await own.require('GET', '/v1/audit?limit=50')) as object)).not.toContain(`00-${traceId}`);
    await own.require('DELETE', `/v1/webhooks/${hook.id}`);
  } finally {
    await receiver.stop();
  }
});

it('a caller that does not want its trace gets none', async () => {
  const traceId = 'c'.repeat(32);
  const { platform, tenant } = world;
  const sent = (flags: string, id: string) =>
    platform.call('POST', `${tenant.slug}.localhost`, '/v1/chat/completions', {
      token: tenant.key,
      body: { model: PlainModel, messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 },
      headers: { traceparent: `00-${id}-${'d'.repeat(16)}-${flags}` },
    });
  expect((await sent('00', traceId)).status).toBe(200);
  const wanted = 'e'.repeat(32);
  expect((await sent('01', wanted)).status).toBe(200);
  const spansOf = (id: string) => collector.spans.filter((span) => span.traceId === id).length;
  await waitUntil('the other one is there', () => spansOf(wanted) === 2);
  expect(spansOf(traceId)).toBe(0);
});
