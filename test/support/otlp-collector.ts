/**
 * A collector of OpenTelemetry that takes nothing but what the published messages hold in their JSON mapping, and of that
 * what the platform means to send: anything else is an error of its own list.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { findOtlpFaults } from './otlp-messages.ts';

const fixed64 = z.string().regex(/^\d{1,20}$/);
const traceId = z.string().regex(/^[0-9a-f]{32}$/);
const spanId = z.string().regex(/^[0-9a-f]{16}$/);
const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z.array(z.strictObject({ key: z.string().min(1), value: anyValue }));
const resource = z.strictObject({ attributes });
const scope = z.strictObject({ name: z.string() });

const span = z.strictObject({
  traceId,
  spanId,
  parentSpanId: spanId.optional(),
  name: z.string().min(1),
  kind: z.number().int().min(1).max(5),
  startTimeUnixNano: fixed64,
  endTimeUnixNano: fixed64,
  attributes,
  status: z.strictObject({ code: z.number().int().min(0).max(2) }).optional(),
});
const dataPoint = z
  .strictObject({
    attributes,
    startTimeUnixNano: fixed64,
    timeUnixNano: fixed64,
    count: fixed64,
    sum: z.number(),
    bucketCounts: z.array(fixed64),
    explicitBounds: z.array(z.number()),
  })
  .refine(({ bucketCounts, explicitBounds }) => bucketCounts.length === explicitBounds.length + 1, 'one bucket more')
  .refine(
    ({ bucketCounts, count }) => bucketCounts.reduce((sum, each) => sum + Number(each), 0) === Number(count),
    'the buckets make up the count',
  );
const metric = z.strictObject({
  name: z.string().min(1),
  unit: z.string(),
  histogram: z.strictObject({ aggregationTemporality: z.number().int().min(1).max(2), dataPoints: z.array(dataPoint) }),
});

export const tracesDocument = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({ resource, scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })) }),
  ),
});
export const metricsDocument = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({ resource, scopeMetrics: z.array(z.strictObject({ scope, metrics: z.array(metric) })) }),
  ),
});
export type CollectedSpan = z.infer<typeof span>;
export type CollectedMetric = z.infer<typeof metric>;

export class OtlpCollector {
  readonly spans: CollectedSpan[] = [];
  readonly metrics: CollectedMetric[] = [];
  /** What it would not take. */
  readonly faults: string[] = [];
  /** The `authorization` of every post. */
  readonly credentials = new Set<string | undefined>();
  readonly #server: Server = createServer((request, response) => {
    void this.#take(request).then(() => response.end('{}'));
  });

  static async start(): Promise<OtlpCollector> {
    const collector = new OtlpCollector();
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage): Promise<void> {
    const body = JSON.parse(await text(request)) as object;
    this.credentials.add(request.headers.authorization);
    if (request.url === '/v1/traces' || request.url === '/v1/metrics') {
      this.faults.push(...findOtlpFaults(request.url, body));
    }
    if (request.url === '/v1/traces') {
      const document = tracesDocument.safeParse(body);
      if (!document.success) this.faults.push(z.prettifyError(document.error));
      for (const { scopeSpans } of document.data?.resourceSpans ?? []) {
        this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
      }
    } else if (request.url === '/v1/metrics') {
      const document = metricsDocument.safeParse(body);
      if (!document.success) this.faults.push(z.prettifyError(document.error));
      for (const { scopeMetrics } of document.data?.resourceMetrics ?? []) {
        this.metrics.push(...scopeMetrics.flatMap(({ metrics }) => metrics));
      }
    } else {
      this.faults.push(`nothing is taken at ${request.url}`);
    }
  }
}

export function attributeOf(span: Pick<CollectedSpan, 'attributes'>, key: string): string | undefined {
  const value = span.attributes.find((each) => each.key === key)?.value;
  return value === undefined ? undefined : String(Object.values(value)[0]);
}
