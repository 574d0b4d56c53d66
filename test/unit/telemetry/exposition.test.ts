import { expect, test } from 'vitest';
import { addValue, emptyHistogram } from '../../../shared/core/histogram.ts';
import { formatMetrics, histogramSamples } from '../../../shared/telemetry/exposition.ts';
import { tallyMetrics } from '../../../shared/telemetry/tally-metrics.ts';
import { emptyTally } from '../../../shared/telemetry/tally.ts';

test('a label that holds quotes, backslashes and line breaks stays one label', () => {
  const samples = [{ labels: { model: 'a"} 1\nb\\' }, value: 1 }];
  expect(formatMetrics([{ name: 'x', help: 'One\nline.', type: 'gauge', samples }])).toBe(
    '# HELP x One\\nline.\n# TYPE x gauge\nx{model="a\\"} 1\\nb\\\\"} 1\n',
  );
});

test('a histogram is told in seconds, its buckets never fall, and its last one is its count', () => {
  const histogram = emptyHistogram();
  for (const ms of [3, 40, 40, 700, 9_000, 400_000]) addValue(histogram, ms);
  const samples = histogramSamples({ kind: 'inference' }, histogram);
  const buckets = samples.filter(({ suffix }) => suffix === '_bucket').map(({ value }) => value);
  expect(buckets).toEqual(buckets.toSorted((a, b) => a - b));
  expect(buckets.at(-1)).toBe(6);
  expect(samples.slice(-2)).toEqual([
    { suffix: '_sum', labels: { kind: 'inference' }, value: 409.783 },
    { suffix: '_count', labels: { kind: 'inference' }, value: 6 },
  ]);
});

test('errors are told by tenant and kind, over all agents and models, so that codes do not multiply them', () => {
  const failed = { ...emptyTally(), requests: 1, errors: { not_found: 1 } };
  const families = tallyMetrics(
    ['a', 'b'].map((agent) => ({ kind: 'inference', labels: { agent, model: '' }, tally: failed })),
  );
  const errors = families.find(({ name }) => name === 'freehold_request_errors_total')!;
  expect(errors.samples).toEqual([{ labels: { kind: 'inference', code: 'not_found' }, value: 2 }]);
});
