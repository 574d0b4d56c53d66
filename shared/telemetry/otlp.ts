/** Spans and measurements as OTLP has them, in the JSON mapping of its protobuf messages: what is posted to a collector. Pure. */
export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Attributes;
  /** Why it failed, if it did. */
  readonly error?: string;
};

/** One value that goes into a histogram. */
export type Measurement = {
  readonly name: string;
  readonly unit: 's' | '{token}';
  readonly value: number;
  readonly attributes: Attributes;
};

const kinds = { internal: 1, server: 2, client: 3 } as const;
const StatusError = 2;
const Delta = 1;
const scope = { name: 'freehold' };

/** As the semantic conventions advise for each unit. */
const bounds = {
  s: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
  '{token}': [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
} as const;

export function toTraces(resource: Attributes, spans: readonly Span[]): object {
  return {
    resourceSpans: [
      { resource: { attributes: toKeyValues(resource) }, scopeSpans: [{ scope, spans: spans.map(toSpan) }] },
    ],
  };
}

/** What was measured from one time to another. */
export function toMetrics(
  resource: Attributes,
  measurements: readonly Measurement[],
  fromMs: number,
  toMs: number,
): object {
  const metrics = [...Map.groupBy(measurements, ({ name }) => name)].map(([name, values]) => {
    const { unit } = values[0]!;
    const series = Map.groupBy(values, ({ attributes }) => JSON.stringify(attributes));
    const dataPoints = [...series.values()].map((points) => toDataPoint(points, bounds[unit], fromMs, toMs));
    return { name, unit, histogram: { aggregationTemporality: Delta, dataPoints } };
  });
  return {
    resourceMetrics: [{ resource: { attributes: toKeyValues(resource) }, scopeMetrics: [{ scope, metrics }] }],
  };
}

function toDataPoint(points: readonly Measurement[], limits: readonly number[], fromMs: number, toMs: number): object {
  const counts = Array.from({ length: limits.length + 1 }, () => 0);
  for (const { value } of points) {
    const bucket = limits.findIndex((limit) => value <= limit);
    counts[bucket === -1 ? limits.length : bucket]! += 1;
  }
  return {
    attributes: toKeyValues(points[0]!.attributes),
    startTimeUnixNano: toNano(fromMs),
    timeUnixNano: toNano(toMs),
    count: String(points.length),
    sum: points.reduce((sum, { value }) => sum + value, 0),
    bucketCounts: counts.map(String),
    explicitBounds: limits,
  };
}

function toSpan({ traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, attributes, error }: Span): object {
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: kinds[kind],
    startTimeUnixNano: toNano(startedAt),
    endTimeUnixNano: toNano(Math.max(startedAt, endedAt)),
    attributes: toKeyValues({ ...attributes, 'error.type': error }),
    ...(error === undefined ? {} : { status: { code: StatusError } }),
  };
}

/** 64-bit numbers are strings in the JSON mapping. */
function toNano(ms: number): string {
  return `${Math.round(ms)}000000`;
}

function toKeyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: toAnyValue(value) }],
  );
}

function toAnyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
