/**
 * The published messages of OTLP, as `@opentelemetry/otlp-transformer` has them compiled from the .proto files, as judges of
 * documents in their JSON mapping (OTLP 1.10, "JSON Protobuf Encoding"): a document holds what its message holds after it
 * was written and read as protobuf, in the very same form, and nothing else.
 */
import { createRequire } from 'node:module';

type Message = {
  fromObject(object: object): object;
  verify(message: object): string | null;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): object;
};
/** Its own types name all of this differently. */
type Compiled = {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: {
        readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: Message } };
        readonly metrics: { readonly v1: { readonly ExportMetricsServiceRequest: Message } };
      };
    };
  };
};

const load = createRequire(import.meta.url);
const compiled = load('@opentelemetry/otlp-transformer/build/src/generated/root.js') as Compiled;
const { trace, metrics } = compiled.opentelemetry.proto.collector;
const messages = {
  '/v1/traces': trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': metrics.v1.ExportMetricsServiceRequest,
} as const;

/** Bytes are base64 in JSON, save these, which are hexadecimal. */
const idBytes: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 };

/** The paths of what is not in the message, or not as the mapping has it; none where the document is strict. */
export function findOtlpFaults(path: keyof typeof messages, document: object): string[] {
  const message = messages[path];
  try {
    const built = message.fromObject(mapIds(document, 'hex', 'base64') as object);
    const fault = message.verify(built);
    if (fault !== null) return [fault];
    const read = message.decode(message.encode(built).finish());
    const written = message.toObject(read, { longs: String, enums: Number, bytes: String, arrays: true });
    return findDifferences(document, mapIds(written, 'base64', 'hex'), '$');
  } catch (error) {
    return [String(error)];
  }
}

function mapIds(value: unknown, from: BufferEncoding, to: BufferEncoding, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => mapIds(each, from, to));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapIds(each, from, to, name)]));
  }
  const bytes = Object.hasOwn(idBytes, key) ? idBytes[key] : undefined;
  if (bytes === undefined || typeof value !== 'string') return value;
  const decoded = Buffer.from(value, from);
  if (decoded.length !== bytes) throw new Error(`${key}: "${value}" is not ${bytes} bytes`);
  return decoded.toString(to);
}

function findDifferences(sent: unknown, written: unknown, path: string): string[] {
  if (typeof sent !== 'object' || sent === null) {
    return Object.is(sent, written) ? [] : [`${path}: ${JSON.stringify(sent)}, not ${JSON.stringify(written)}`];
  }
  if (typeof written !== 'object' || written === null || Array.isArray(sent) !== Array.isArray(written)) {
    return [`${path}: not in the message`];
  }
  const counterpart = written as Record<string, unknown>;
  return Object.entries(sent).flatMap(([key, value]) =>
    Object.hasOwn(counterpart, key)
      ? findDifferences(value, counterpart[key], `${path}.${key}`)
      : [`${path}.${key}: not in the message`],
  );
}
