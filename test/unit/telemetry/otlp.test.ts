import { expect, test } from 'vitest';
import { nestTrace, parseTrace, spanIdOf } from '../../../shared/core/trace.ts';
import { OtlpExporter, parseOtlpHeaders } from '../../../shared/telemetry/otlp-exporter.ts';
import { toMetrics, toTraces, type Span } from '../../../shared/telemetry/otlp.ts';
import { metricsDocument, tracesDocument } from '../../support/otlp-collector.ts';
import { findOtlpFaults } from '../../support/otlp-messages.ts';

const span: Span = {
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  name: 'chat m',
  kind: 'server',
  startedAt: 1_700_000_000_123,
  endedAt: 1_700_000_000_456,
  attributes: { text: 'a', whole: 3, part: 0.5, yes: true, nothing: undefined },
};

test('spans are what the JSON mapping of the messages has: 64-bit numbers as text, nothing that is not there', () => {
  const { resourceSpans } = tracesDocument.parse(toTraces({ 'service.name': 'x' }, [{ ...span, error: 'failed' }]));
  const told = resourceSpans[0]!.scopeSpans[0]!.spans[0]!;
  expect(told).toMatchObject({ startTimeUnixNano: '1700000000123000000', kind: 2, status: { code: 2 } });
  expect(told.attributes).toEqual([
    { key: 'text', value: { stringValue: 'a' } },
    { key: 'whole', value: { intValue: '3' } },
    { key: 'part', value: { doubleValue: 0.5 } },
    { key: 'yes', value: { boolValue: true } },
    { key: 'error.type', value: { stringValue: 'failed' } },
  ]);
});

test('measurements of one name are one histogram, with a point for each set of attributes', () => {
  const measured = (value: number, model: string) =>
    ({ name: 'gen_ai.client.token.usage', unit: '{token}', value, attributes: { model } }) as const;
  const values = [measured(1, 'a'), measured(5, 'a'), measured(1e9, 'a'), measured(2, 'b')];
  const { resourceMetrics } = metricsDocument.parse(toMetrics({}, values, 1_000, 2_000));
  const [metric, ...others] = resourceMetrics[0]!.scopeMetrics[0]!.metrics;
  expect(others).toEqual([]);
  const [a, b] = metric!.histogram.dataPoints;
  expect(a).toMatchObject({ count: '3', sum: 1_000_000_006, startTimeUnixNano: '1000000000' });
  expect([a!.bucketCounts[0], a!.bucketCounts[2], a!.bucketCounts.at(-1)]).toEqual(['1', '1', '1']);
  expect(b).toMatchObject({ count: '1', sum: 2 });
});

const traces = (change: object = {}) =>
  toTraces({ 'service.name': 'x' }, [{ ...span, parentSpanId: '3'.repeat(16), error: 'failed', ...change }]);
const measured = {
  name: 'm',
  unit: 's',
  value: 0.5,
  attributes: { model: 'a', yes: false, none: '', zero: 0 },
} as const;

test('the published messages hold every field that is sent, in the form in which it is sent', () => {
  expect(findOtlpFaults('/v1/traces', traces())).toEqual([]);
  expect(findOtlpFaults('/v1/traces', traces({ kind: 'internal', error: undefined, attributes: {} }))).toEqual([]);
  expect(findOtlpFaults('/v1/metrics', toMetrics({}, [measured, { ...measured, value: 1e6 }], 1_000, 2_000))).toEqual(
    [],
  );
});

test.each([
  ['"kind":2', '"kind":"SPAN_KIND_SERVER"'],
  ['"kind":2', '"kind":9'],
  ['"kind":2', '"kind":2,"span_id":"2"'],
  ['"kind":2', '"kind":2,"links":{}'],
  ['"kind":2', '"kind":2,"more":[]'],
  ['"name":"freehold"', '"name":"freehold","more":"x"'],
  ['"scopeSpans"', '"instrumentationLibrarySpans"'],
  ['"1700000000123000000"', '1700000000123000000'],
  ['"intValue":"3"', '"intValue":3'],
  ['"intValue":"3"', '"intValue":"3","boolValue":true'],
  ['"doubleValue":0.5', '"doubleValue":"0.5"'],
  ['"boolValue":true', '"boolValue":"true"'],
  ['"stringValue":"a"', '"stringValue":1'],
  ['"code":2', '"code":2,"error":true'],
  [`"${'1'.repeat(32)}"`, `"${'1'.repeat(16)}"`],
  [`"${'2'.repeat(16)}"`, '"IiIiIiIiIiI="'],
])('a document with %s as %s is none of theirs', (from, to) => {
  const text = JSON.stringify(traces());
  expect(text).toContain(from);
  expect(findOtlpFaults('/v1/traces', JSON.parse(text.replace(from, to)) as object)).not.toEqual([]);
});

test('the exporter sends what it gathered once, in bounds, and a collector that is down hinders nobody', async () => {
  const settings = { url: 'http://collector/', headers: { authorization: 'x' } };
  const exporter = new OtlpExporter(settings, {}, { now: () => 5 });
  expect(exporter.add(span, [])).toBe(true);
  for (let at = 0; at < 10_000; at++) expect(exporter.add(span, [])).toBe(false);
  const posts: [string, number][] = [];
  await exporter.flush((url, _headers, body) => {
    posts.push([url, tracesDocument.parse(JSON.parse(body)).resourceSpans[0]!.scopeSpans[0]!.spans.length]);
    return Promise.reject(new Error('down'));
  });
  await exporter.flush(() => Promise.reject(new Error('nothing is left to send')));
  expect(posts).toEqual([['http://collector/v1/traces', 4_096]]);
});

test('a span that is begun again is the same span of the same trace', () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const nested = nestTrace(traceparent, 'resp_1');
  expect(nested).toBe(nestTrace(traceparent, 'resp_1'));
  expect(parseTrace(nested)).toEqual({ traceId: 'a'.repeat(32), spanId: spanIdOf('resp_1'), isSampled: true });
  expect(nestTrace('nonsense', 'resp_1')).toBe('nonsense');
  expect(new Set(Array.from({ length: 10_000 }, (_, at) => spanIdOf(`run_${at}`))).size).toBe(10_000);
});

test('headers are read as OTEL_EXPORTER_OTLP_HEADERS has them', () => {
  expect(parseOtlpHeaders('Authorization=Basic YTpi==, x-tenant = a ,broken,=x')).toEqual({
    authorization: 'Basic YTpi==',
    'x-tenant': 'a',
  });
});
