/**
 * `npm run bench:agents`: how many agents one deployment on this machine holds, and what becomes of their tasks: given at
 * a steady rate, due all at once, and as many as there is room for; with a `kill -9` at the end and the time to the first
 * answer after it. Prints a table and writes the same to dist/bench-agents.json.
 * Options: --agents N, --rate N (tasks a second, for --seconds N), --burst N (due at once), --tasks N (put through).
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, request, RetryAgent } from 'undici';
import { LocalClient } from '../../scripts/local-client.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import type { Task } from '../../shared/contracts/tasks.ts';
import { findFreePort, StartedProcess } from '../support/started-process.ts';
import { percentile } from './load.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '3000' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '5' },
    burst: { type: 'string', default: '1000' },
    tasks: { type: 'string', default: '1000' },
  },
});
const [agents, rate, seconds, burst, through] = [
  values.agents,
  values.rate,
  values.seconds,
  values.burst,
  values.tasks,
].map(Number) as [number, number, number, number, number];
const Parallel = 24;
const BurstLeadMs = 15_000;
const WaitMs = 3_600_000;

const dataDir = mkdtempSync(join(tmpdir(), 'freehold-agents-'));
const port = await findFreePort();
// A busy machine notices late that the other side has closed an idle connection.
const dispatcher = new RetryAgent(new Agent({ connections: 256, keepAliveTimeout: 1_000 }), {
  statusCodes: [],
  methods: ['GET', 'POST'],
});
let started = await StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], { FREEHOLD_NODES: '[]' });
let key = '';

async function call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
  for (;;) {
    const answer = await request(`http://127.0.0.1:${port}${path}`, {
      method,
      dispatcher,
      headers: {
        host: `acme.localhost:${port}`,
        authorization: `Bearer ${key}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return JSON.parse(text) as T;
    // There is no room at the moment: as a client would.
    if (answer.statusCode !== 429 && answer.statusCode !== 503)
      throw new Error(`${path}: ${answer.statusCode} ${text}`);
    await new Promise((resolve) => setTimeout(resolve, Number(answer.headers['retry-after-ms'] ?? 500)));
  }
}

/** All of them, so many at a time. */
async function each<T>(count: number, work: (at: number) => Promise<T>, parallel = Parallel): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const at = next++;
      results[at] = await work(at);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return results;
}

const agentIds: string[] = [];
const anyAgent = (at: number) => agentIds[(at * 7_919) % agentIds.length]!;
const give = (at: number, body: object = {}) =>
  call<Task>('POST', `/v1/agents/${anyAgent(at)}/tasks`, { input: 'When do you open?', ...body });

async function ended(ids: readonly string[]): Promise<Task[]> {
  const open = new Set(ids);
  const done: Task[] = [];
  const until = performance.now() + WaitMs;
  while (open.size > 0) {
    if (performance.now() > until) throw new Error(`${open.size} of ${ids.length} tasks have not ended`);
    const asked = [...open].slice(0, 500);
    for (const task of await each(asked.length, (at) => call<Task>('GET', `/v1/tasks/${asked[at]}`))) {
      if (task.finished_at === null) continue;
      open.delete(task.id);
      done.push(task);
    }
    if (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return done;
}

/** Resident memory of workerd, in MB. */
function residentMb(): number {
  const pid = started
    .group()
    .find((each) => readFileSync(`/proc/${each}/cmdline`, 'utf8').split('\0')[0]?.endsWith('workerd'));
  const status = pid === undefined ? '' : readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}

const diskMb = () => Number(execFileSync('du', ['-sm', dataDir]).toString().split('\t')[0]);
const round = (value: number) => Math.round(value * 10) / 10;
const spread = (waits: readonly number[]) => ({
  p50_ms: round(percentile(waits, 0.5)),
  p95_ms: round(percentile(waits, 0.95)),
  max_ms: round(Math.max(...waits)),
});
const lost = (tasks: readonly Task[]) => tasks.filter(({ status }) => status !== 'succeeded').length;
const waitsOf = (tasks: readonly Task[]) =>
  tasks.map(({ assigned_at: at, run_at: due, created_at: made }) =>
    Math.max(0, Date.parse(at!) - Math.max(Date.parse(due), Date.parse(made))),
  );

try {
  const operator = new LocalClient(port, 'localhost', started.dev.operator_token);
  const tenant = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
    slug: 'acme',
    name: 'Acme',
  });
  key = tenant.admin_key.secret;
  const before = { rss: residentMb(), disk: diskMb() };

  let from = performance.now();
  const definition = { instructions: 'We open at nine.', limits: { recall: 0 } };
  const made = await each(agents, (at) =>
    call<{ id: string }>('POST', '/v1/agents', { slug: `agent-${at}`, name: `Agent ${at}`, definition }),
  );
  agentIds.push(...made.map(({ id }) => id));
  const created = {
    agents,
    per_second: round(agents / ((performance.now() - from) / 1_000)),
    rss_kb_each: round(((residentMb() - before.rss) * 1_024) / agents),
    disk_kb_each: round(((diskMb() - before.disk) * 1_024) / agents),
  };

  const acknowledged: number[] = [];
  const pending: Promise<Task>[] = [];
  from = performance.now();
  for (let at = 0; at < rate * seconds; at++) {
    const wait = from + (at * 1_000) / rate - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    const sent = performance.now();
    pending.push(
      give(at).then((task) => {
        acknowledged.push(performance.now() - sent);
        return task;
      }),
    );
  }
  const steadyTasks = await ended((await Promise.all(pending)).map(({ id }) => id));
  const steady = {
    tasks: steadyTasks.length,
    rate,
    acknowledged: spread(acknowledged),
    assigned: spread(waitsOf(steadyTasks)),
    not_succeeded: lost(steadyTasks),
  };

  const due = new Date(Date.now() + BurstLeadMs + burst * 4).toISOString();
  const burstTasks = await ended((await each(burst, (at) => give(at, { run_at: due }))).map(({ id }) => id));
  const lastEnd = Math.max(...burstTasks.map(({ finished_at: at }) => Date.parse(at!)));
  const atOnce = {
    tasks: burst,
    assigned: spread(waitsOf(burstTasks)),
    all_done_ms: lastEnd - Date.parse(due),
    not_succeeded: lost(burstTasks),
  };

  from = performance.now();
  const putThrough = await ended((await each(through, (at) => give(at, { lane: 'batch' }))).map(({ id }) => id));
  const all = {
    tasks: through,
    per_second: round(through / ((performance.now() - from) / 1_000)),
    not_succeeded: lost(putThrough),
    rss_mb: residentMb(),
    disk_mb: diskMb(),
  };

  await started.killGroup();
  from = performance.now();
  started = await StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], { FREEHOLD_NODES: '[]' });
  const ready = performance.now() - from;
  await call('GET', `/v1/agents/${agentIds[0]}`);
  const restart = { ready_ms: Math.round(ready), first_answer_ms: Math.round(performance.now() - from) };

  const report = {
    machine: { cores: navigator.hardwareConcurrency },
    created,
    steady,
    at_once: atOnce,
    through: all,
    restart,
  };
  console.log(JSON.stringify(report, null, 2));
  mkdirSync(join(repositoryRoot, 'dist'), { recursive: true });
  writeFileSync(join(repositoryRoot, 'dist/bench-agents.json'), `${JSON.stringify(report, null, 2)}\n`);
} finally {
  await started.killGroup();
  await dispatcher.close();
  rmSync(dataDir, { recursive: true, force: true });
}
