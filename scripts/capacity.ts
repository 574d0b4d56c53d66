/**
 * What a month of agents costs on Cloudflare: how often each step of a task touches the platform, times the prices of its
 * public price pages. `node scripts/capacity.ts` prints the tables of docs/capacity.md; a test holds the page against them.
 */

/** USD, beyond what the paid plan includes in a month. https://developers.cloudflare.com/durable-objects/platform/pricing */
export const prices = {
  plan: 5,
  workerRequests: { included: 10e6, perMillion: 0.3 },
  workerCpuMs: { included: 30e6, perMillion: 0.02 },
  objectRequests: { included: 1e6, perMillion: 0.15 },
  objectGbSeconds: { included: 400_000, perMillion: 12.5 },
  rowsRead: { included: 25e9, perMillion: 0.001 },
  rowsWritten: { included: 50e6, perMillion: 1 },
  storageGb: { included: 5, perMillion: 0.2e6 },
} as const;
type Meter = Exclude<keyof typeof prices, 'plan'>;
export type Usage = Readonly<Record<Meter, number>>;

/** An object is billed for 128 MB while it runs. */
const ObjectGb = 0.128;
const DaysPerMonth = 30;

export type Load = {
  readonly agents: number;
  readonly tasksPerDay: number;
  /** From the beginning of a turn to its end: the time that its conversation is awake. */
  readonly turnSeconds: number;
};

/** Of one task with one call of the model: read off the code, step by step. */
const requestsPerTask = {
  'admit and create': 2,
  'begin and await: find, admit, open, start, await': 5,
  'turn: agent, recall, standing, run, bridge': 6,
  'events of task and turn, to tenant and agent': 5,
  'alarms of agent and conversation': 3,
  receipt: 1,
} as const;
const rowsWrittenPerTask = {
  'task, its changes and indexes': 12,
  'outboxes, in and out': 10,
  'conversation, items, response, turn states, event log': 16,
  'ledger, event log and index of the tenant': 14,
  trace: 2,
  'alarms set': 8,
} as const;
const RowsReadPerTask = 400;
const CpuMsPerTask = 4;
/** A standing is asked for each 0.7 s while a turn runs. */
const StandingEverySeconds = 0.7;
/** Awake besides the turn itself: the agent's and the tenant's object, for what a task asks of them. */
const OtherObjectSeconds = 0.25;
const BytesPerTask = 6_000;
const BytesPerAgent = 40_000;

export function computeUsage({ agents, tasksPerDay, turnSeconds }: Load): Usage {
  const tasks = tasksPerDay * DaysPerMonth;
  const sum = (parts: Readonly<Record<string, number>>) => Object.values(parts).reduce((all, each) => all + each, 0);
  return {
    workerRequests: tasks,
    workerCpuMs: tasks * CpuMsPerTask,
    objectRequests: tasks * (sum(requestsPerTask) + turnSeconds / StandingEverySeconds),
    // The agent's object waits for the turn's end as long as the conversation runs it.
    objectGbSeconds: tasks * (2 * turnSeconds + OtherObjectSeconds) * ObjectGb,
    rowsRead: tasks * RowsReadPerTask,
    rowsWritten: tasks * sum(rowsWrittenPerTask),
    storageGb: (agents * BytesPerAgent + tasks * BytesPerTask) / 1e9,
  };
}

export function computeCosts(usage: Usage): Readonly<Record<Meter, number>> & { readonly total: number } {
  const costs = Object.fromEntries(
    Object.entries(usage).map(([meter, amount]) => {
      const { included, perMillion } = prices[meter as Meter];
      return [meter, (Math.max(0, amount - included) * perMillion) / 1e6];
    }),
  ) as Record<Meter, number>;
  return { ...costs, total: prices.plan + Object.values(costs).reduce((all, each) => all + each, 0) };
}

export const loads: readonly Load[] = [
  { agents: 1_000, tasksPerDay: 3_000, turnSeconds: 5 },
  { agents: 30_000, tasksPerDay: 100_000, turnSeconds: 5 },
  { agents: 30_000, tasksPerDay: 100_000, turnSeconds: 30 },
];

const names: Readonly<Record<Meter, string>> = {
  workerRequests: 'Worker requests (millions)',
  workerCpuMs: 'Worker CPU (million ms)',
  objectRequests: 'object requests (millions)',
  objectGbSeconds: 'object duration (million GB-s)',
  rowsRead: 'rows read (millions)',
  rowsWritten: 'rows written (millions)',
  storageGb: 'storage (GB)',
};

export function toMarkdown(): string {
  const head = loads.map(
    (load) => `${load.agents} agents, ${load.tasksPerDay} tasks a day, turns of ${load.turnSeconds} s`,
  );
  const usages = loads.map(computeUsage);
  const costs = usages.map(computeCosts);
  const rows = (Object.keys(names) as Meter[]).map((meter) => {
    const scale = meter === 'storageGb' ? 1 : 1e6;
    const cells = usages.map((usage, at) => `${(usage[meter] / scale).toFixed(2)} = $${costs[at]![meter].toFixed(2)}`);
    return [names[meter], ...cells];
  });
  const totals = ['a month, with the plan', ...costs.map(({ total }) => `**$${total.toFixed(2)}**`)];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(['', ...head]), line(['---', ...head.map(() => '---')]), ...rows.map(line), line(totals)].join('\n');
}

if (import.meta.main) console.log(toMarkdown());
