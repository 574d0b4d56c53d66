/** Reads vLLM's Prometheus text for what says how busy it is. Pure. Names that are missing are null, not zero. */

export type VllmMetrics = {
  readonly running: number | null;
  readonly waiting: number | null;
  /** Of all requests since vLLM started: seconds to the first token, and how many had one. */
  readonly firstTokenSeconds: number | null;
  readonly firstTokens: number | null;
};

const names = {
  running: 'vllm:num_requests_running',
  waiting: 'vllm:num_requests_waiting',
  firstTokenSeconds: 'vllm:time_to_first_token_seconds_sum',
  firstTokens: 'vllm:time_to_first_token_seconds_count',
} as const;

/** One server may run several engines, each with a line of its own: they are summed. */
export function parseVllmMetrics(text: string): VllmMetrics {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([\w:]+)(?:\{.*\})?[ \t]+([^ \t]+)/.exec(line);
    const value = Number(match?.[2] ?? Number.NaN);
    if (match?.[1] !== undefined && Number.isFinite(value)) sums.set(match[1], (sums.get(match[1]) ?? 0) + value);
  }
  const find = (name: keyof typeof names) => sums.get(names[name]) ?? null;
  return {
    running: find('running'),
    waiting: find('waiting'),
    firstTokenSeconds: find('firstTokenSeconds'),
    firstTokens: find('firstTokens'),
  };
}

/** The mean between two readings; null without a first token in between, or where vLLM was started anew. */
export function meanFirstTokenMs(before: VllmMetrics | undefined, now: VllmMetrics): number | null {
  const seconds = (now.firstTokenSeconds ?? 0) - (before?.firstTokenSeconds ?? 0);
  const count = (now.firstTokens ?? 0) - (before?.firstTokens ?? 0);
  return count > 0 && seconds >= 0 ? Math.round((seconds / count) * 1000) : null;
}
