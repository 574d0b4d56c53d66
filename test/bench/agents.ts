/**
 * `npm run bench:agents`: how many agents one deployment on this machine holds, and what becomes of their tasks: given at
 * a steady rate, due all at once, and as many as there is room for; with a `kill -9` at the end and the time to the first
 * answer after it. Prints a table and writes the same to dist/bench-agents.json.
 * Options: --agents N, --rate N (tasks a second, for --seconds N), --burst N (due at once), --tasks N (put through),
 * --minutes N (to wait for the end of each of these at most), --own-objects (an object of its own for every agent), --data
 * FOLDER (is kept, and a later run goes on with its agents).
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, request, RetryAgent } from 'undici';
import { LocalClient } from '../../scripts/local-client.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { Task } from '../../shared/contracts/tasks.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { StartedProcess } from '../support/started-process.ts';
import { percentile } from './load.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '3000' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '5' },
    burst: { type: 'string', default: '1000' },
    tasks: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '600' },
    data: { type: 'string' },
    'own-objects': { type: 'boolean', default: false },
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
const PollMs = 500;
const SayMs = 20_000;
const LookedAt = 2_000;

const dataDir = values.data ?? mkdtempSync(join(tmpdir(), 'freehold-agents-'));
const port = await findFreePort();
// A busy machine notices late that the other side has closed an idle connection.
const dispatcher = new RetryAgent(new Agent({ connections: 256, keepAliveTimeout: 1_000 }), {
  statusCodes: [],
  methods: ['GET', 'POST'],
});
const start = () =>
  StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], {
    FREEHOLD_NODES: '[]',
    ...(values['own-objects'] ? { AGENT_BUCKETS: '0' } : {}),
  });
let started = await start();
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
async function listAgents(): Promise<string[]> {
  const found: string[] = [];
  let next: string | null = '';
  while (next !== null) {
    const page: List<{ id: string }> = await call('GET', `/v1/agents?limit=100${next && `&cursor=${next}`}`);
    found.push(...page.data.map(({ id }) => id));
    next = page.next_cursor;
  }
  return found;
}

const anyAgent = (at: number) => agentIds[(at * 7_919) % agentIds.length]!;
const give = (at: number, body: object = {}) =>
  call<Task>('POST', `/v1/agents/${anyAgent(at)}/tasks`, { input: 'When do you open?', ...body });

const find = (id: string) => call<Task>('GET', `/v1/tasks/${id}`);
const isOver = ({ finished_at: at }: Task) => at !== null;

/** All, as they stand when they have ended or the time is up. Asks after few at once, so that asking is no load of its own. */
async function ended(ids: readonly string[]): Promise<Task[]> {
  const done: Task[] = [];
  const until = performance.now() + Number(values.minutes) * 60_000;
  let open = ids;
  while (open.length > 0 && performance.now() < until) {
    const [asked, rest] = [open.slice(0, Parallel), open.slice(Parallel)];
    const found = await each(asked.length, (at) => find(asked[at]!));
    done.push(...found.filter(isOver));
    open = [...found.filter((task) => !isOver(task)).map(({ id }) => id), ...rest];
    if (!found.some(isOver)) await new Promise((resolve) => setTimeout(resolve, PollMs));
    say(`${done.length} of ${ids.length} tasks have ended`);
  }
  return [...done, ...(await each(open.length, (at) => find(open[at]!)))];
}

/** What has been measured, as soon as it is. */
function note<T extends object>(what: string, measured: T): T {
  console.error(what, JSON.stringify(measured), `load ${loadavg()[0]!.toFixed(1)}`);
  return measured;
}

let saidAt = 0;
/** How far it is, now and then. */
function say(text: string): void {
  if (performance.now() - saidAt < SayMs) return;
  saidAt = performance.now();
  console.error(`${new Date().toISOString()} ${text}; load ${loadavg()[0]!.toFixed(1)}`);
}

function workerd(): number {
  return started
    .group()
    .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]?.endsWith('workerd'))!;
}

/** Resident memory of workerd, in MB. */
function residentMb(): number {
  const status = readFileSync(`/proc/${workerd()}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}

/** What workerd has computed, in ms: whatever else the machine does. */
function computedMs(): number {
  const stat = readFileSync(`/proc/${workerd()}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user! + system!) * 10;
}

const diskMb = () => Number(execFileSync('du', ['-sm', dataDir]).toString().split('\t')[0]);
const round = (value: number) => Math.round(value * 10) / 10;
const spread = (waits: readonly number[]) => ({
  p50_ms: round(percentile(waits, 0.5)),
  p95_ms: round(percentile(waits, 0.95)),
  max_ms: round(Math.max(...waits)),
});
const outcome = (tasks: readonly Task[]) => ({
  ended: tasks.filter(isOver).length,
  not_succeeded: tasks.filter((task) => isOver(task) && task.status !== 'succeeded').length,
});
/** Those that were not assigned at all have waited until now. */
const waitsOf = (tasks: readonly Task[]) =>
  tasks.map(({ assigned_at: at, run_at: due, created_at: made }) =>
    Math.max(0, (at === null ? Date.now() : Date.parse(at)) - Math.max(Date.parse(due), Date.parse(made))),
  );

try {
  const operator = new LocalClient(port, 'localhost', started.dev.operator_token);
  const { data: tenants } = await operator.require<{ data: { id: string }[] }>('GET', '/operator/v1/tenants');
  if (tenants[0]) {
    const path = `/operator/v1/tenants/${tenants[0].id}/keys`;
    key = (await operator.require<{ secret: string }>('POST', path, { name: 'Another run' })).secret;
    agentIds.push(...(await listAgents()));
  } else {
    const made = { slug: 'acme', name: 'Acme' };
    key = (await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', made)).admin_key
      .secret;
  }
  const before = { rss: residentMb(), disk: diskMb(), cpu: computedMs() };

  let from = performance.now();
  const definition = { instructions: 'We open at nine.', limits: { recall: 0 } };
  const known = agentIds.length;
  const made = await each(Math.max(0, agents - known), (nth) => {
    const at = known + nth;
    say(`${at} of ${agents} agents are made`);
    return call<{ id: string }>('POST', '/v1/agents', { slug: `agent-${at}`, name: `Agent ${at}`, definition });
  });
  agentIds.push(...made.map(({ id }) => id));
  const created = note('created', {
    agents,
    cpu_ms_each: round((computedMs() - before.cpu) / made.length),
    per_second: round(made.length / ((performance.now() - from) / 1_000)),
    rss_kb_each: round(((residentMb() - before.rss) * 1_024) / made.length),
    disk_kb_each: round(((diskMb() - before.disk) * 1_024) / made.length),
  });

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
  const steady = note('steady', {
    tasks: steadyTasks.length,
    rate,
    acknowledged: spread(acknowledged),
    assigned: spread(waitsOf(steadyTasks)),
    ...outcome(steadyTasks),
  });

  const due = new Date(Date.now() + BurstLeadMs + burst * 10).toISOString();
  const dueTasks = await each(burst, (at) => {
    say(`${at} of ${burst} tasks are given that will be due at once`);
    return give(at, { run_at: due });
  });
  // Not before they are due: looking at them is work as well.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(due) - Date.now()) + PollMs));
  const step = Math.ceil(burst / LookedAt);
  const burstTasks = await ended(dueTasks.filter((_, at) => at % step === 0).map(({ id }) => id));
  const lastEnd = burstTasks.every(isOver)
    ? Math.max(...burstTasks.map(({ finished_at: at }) => Date.parse(at!)))
    : null;
  const atOnce = note('at once', {
    tasks: burst,
    looked_at: burstTasks.length,
    assigned: spread(waitsOf(burstTasks)),
    all_done_ms: lastEnd && lastEnd - Date.parse(due),
    given_late: burstTasks.filter(({ created_at: at }) => at > due).length,
    ...outcome(burstTasks),
  });

  from = performance.now();
  const cpuFrom = computedMs();
  const given = (
    await each(through, (at) => {
      say(`${at} of ${through} tasks are given`);
      return give(at, { lane: 'batch' });
    })
  ).map(({ id }) => id);
  const givenS = (performance.now() - from) / 1_000;
  const putThrough = await ended(given);
  const putThroughEnded = outcome(putThrough).ended;
  const putThroughS = (performance.now() - from) / 1_000;
  const all = note('through', {
    tasks: through,
    accepted_per_second: round(through / givenS),
    ...outcome(putThrough),
    per_second: round(putThroughEnded / putThroughS),
    cpu_ms_each: round((computedMs() - cpuFrom) / putThroughEnded),
    rss_mb: residentMb(),
    disk_mb: diskMb(),
  });

  await started.killGroup();
  from = performance.now();
  started = await start();
  const ready = performance.now() - from;
  await call('GET', `/v1/agents/${agentIds[0]}`);
  const firstAnswer = performance.now() - from;
  // What was accepted is there, and goes on.
  const looked = await each(Math.min(given.length, LookedAt), (at) => find(given[(at * 7_919) % given.length]!));
  const restart = note('restart', {
    ready_ms: Math.round(ready),
    first_answer_ms: Math.round(firstAnswer),
    found: looked.length,
  });

  const report = {
    machine: { cores: navigator.hardwareConcurrency, load: loadavg().map(round) },
    objects: values['own-objects'] ? 'one an agent' : 'shared',
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
  if (values.data === undefined) rmSync(dataDir, { recursive: true, force: true });
}
