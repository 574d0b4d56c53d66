/** Tallies as metrics of Prometheus: the same names for a tenant's own series and for the operator's, by their labels. Pure. */
import { addUp } from './describe-telemetry.ts';
import { histogramSamples, type Labels, type MetricFamily, type Sample } from './exposition.ts';
import type { Tally } from './tally.ts';

/** `labels`: what the series is about, beside its kind. */
export type LabelledTally = { readonly kind: string; readonly labels: Labels; readonly tally: Tally };

export function tallyMetrics(series: readonly LabelledTally[]): MetricFamily[] {
  const requests = series.filter(({ tally }) => tally.requests > 0 || tally.duration.count > 0);
  const runs = series.filter(({ tally }) => tally.runs > 0);
  const whole = ({ kind, labels }: LabelledTally) => ({ kind, ...labels });
  const each = (of: readonly LabelledTally[], read: (one: LabelledTally) => readonly Sample[]) => of.flatMap(read);
  return [
    {
      name: 'freehold_requests_total',
      help: 'Requests that were answered, also those that were refused or failed.',
      type: 'counter',
      samples: each(requests, (one) => [{ labels: whole(one), value: one.tally.requests }]),
    },
    {
      name: 'freehold_request_errors_total',
      help: 'Requests that were refused or failed, by the code of the error.',
      type: 'counter',
      samples: [...addUp(series, ({ kind, labels }) => JSON.stringify({ kind, ...tenantOf(labels) }))].flatMap(
        ([key, { errors }]) =>
          Object.entries(errors).map(([code, value]) => ({ labels: { ...(JSON.parse(key) as Labels), code }, value })),
      ),
    },
    {
      name: 'freehold_request_duration_seconds',
      help: 'From the request to the end of its answer.',
      type: 'histogram',
      samples: each(requests, (one) => histogramSamples(whole(one), one.tally.duration)),
    },
    {
      name: 'freehold_time_to_first_byte_seconds',
      help: 'From the request to the beginning of its answer.',
      type: 'histogram',
      samples: each(requests, (one) => histogramSamples(whole(one), one.tally.firstByte)),
    },
    {
      name: 'freehold_runs_total',
      help: 'Runs of models that were settled, by how they ended.',
      type: 'counter',
      samples: each(runs, ({ labels, tally }) =>
        Object.entries(tally.outcomes).map(([outcome, value]) => ({ labels: { ...labels, outcome }, value })),
      ),
    },
    {
      name: 'freehold_cache_answers_total',
      help: 'Runs whose caller would take an answer of before, by whether there was one.',
      type: 'counter',
      samples: each(runs, ({ labels, tally }) =>
        Object.entries(tally.caches ?? {}).map(([result, value]) => ({ labels: { ...labels, result }, value })),
      ),
    },
    {
      name: 'freehold_run_duration_seconds',
      help: 'How long runs took on their nodes.',
      type: 'histogram',
      samples: each(runs, ({ labels, tally }) => histogramSamples(labels, tally.runTime)),
    },
    {
      name: 'freehold_time_to_first_token_seconds',
      help: "From a run's start to its first token.",
      type: 'histogram',
      samples: each(runs, ({ labels, tally }) => histogramSamples(labels, tally.firstToken)),
    },
    {
      name: 'freehold_tokens_total',
      help: 'Tokens by type; cached input is part of input.',
      type: 'counter',
      samples: each(runs, ({ labels, tally }) => [
        { labels: { ...labels, type: 'input' }, value: tally.inputTokens },
        { labels: { ...labels, type: 'cached_input' }, value: tally.cachedInputTokens },
        { labels: { ...labels, type: 'output' }, value: tally.outputTokens },
      ]),
    },
    {
      name: 'freehold_cost_usd_total',
      help: 'What runs cost, in US dollars.',
      type: 'counter',
      samples: each(runs, ({ labels, tally }) => [{ labels, value: tally.costMicros / 1e6 }]),
    },
  ];
}

/** Errors are told by tenant and kind alone: their codes are many. */
function tenantOf({ tenant }: Labels): Labels {
  return tenant === undefined ? {} : { tenant };
}
