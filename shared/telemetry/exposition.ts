/** Metrics in Prometheus' text format, out of what has been added up elsewhere. Pure. */
import { countsUpTo, type Histogram } from '../core/histogram.ts';

export type Labels = Readonly<Record<string, string>>;
export type Sample = { readonly suffix?: string; readonly labels: Labels; readonly value: number };
export type MetricFamily = {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
};

export const ExpositionType = 'text/plain; version=0.0.4; charset=utf-8';

/** Seconds. Values are told to be at most a bound by buckets of their own, so next to a bound 2 % may be on its other side. */
const Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export function formatMetrics(families: readonly MetricFamily[]): string {
  return families
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(
        ({ suffix = '', labels, value }) => `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}\n`,
      );
      return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

/** A histogram of milliseconds, told in seconds. */
export function histogramSamples(labels: Labels, histogram: Histogram): Sample[] {
  const counts = countsUpTo(
    histogram,
    Bounds.map((bound) => bound * 1000),
  );
  return [
    ...Bounds.map((bound, at) => ({
      suffix: '_bucket',
      labels: { ...labels, le: String(bound) },
      value: counts[at]!,
    })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: histogram.count },
    { suffix: '_sum', labels, value: histogram.sum / 1000 },
    { suffix: '_count', labels, value: histogram.count },
  ];
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function formatValue(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
}
