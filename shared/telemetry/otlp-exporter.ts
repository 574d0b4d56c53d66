/**
 * Gathers spans and measurements, and posts them to a collector when it is told to. Bounded: what comes while it is full is
 * dropped, and what the collector does not take is lost. Nothing waits for it, and nothing fails by it.
 */
import type { Clock } from '../core/clock.ts';
import { toMetrics, toTraces, type Attributes, type Measurement, type Span } from './otlp.ts';

const MaxGathered = 4_096;

export type OtlpSettings = {
  /** Of the collector; the paths of OTLP over HTTP are added to it. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** Posts a document; whether it was taken is its own affair. */
export type PostJson = (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<unknown>;

export class OtlpExporter {
  readonly #settings: OtlpSettings;
  readonly #resource: Attributes;
  readonly #clock: Clock;
  #spans: Span[] = [];
  #measurements: Measurement[] = [];
  #since: number;

  constructor(settings: OtlpSettings, resource: Attributes, clock: Clock) {
    this.#settings = { ...settings, url: settings.url.replace(/\/+$/, '') };
    this.#resource = resource;
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** True where nothing was gathered before. */
  add(span: Span, measurements: readonly Measurement[]): boolean {
    const isFirst = this.#spans.length === 0;
    if (this.#spans.length < MaxGathered) this.#spans.push(span);
    if (this.#measurements.length < MaxGathered) this.#measurements.push(...measurements);
    return isFirst;
  }

  async flush(post: PostJson): Promise<void> {
    const [spans, measurements, since] = [this.#spans, this.#measurements, this.#since];
    if (spans.length === 0) return;
    const now = this.#clock.now();
    this.#spans = [];
    this.#measurements = [];
    this.#since = now;
    const { url, headers } = this.#settings;
    const send = (path: string, document: object) =>
      post(`${url}${path}`, { ...headers, 'content-type': 'application/json' }, JSON.stringify(document));
    await Promise.allSettled([
      send('/v1/traces', toTraces(this.#resource, spans)),
      ...(measurements.length === 0 ? [] : [send('/v1/metrics', toMetrics(this.#resource, measurements, since, now))]),
    ]);
  }
}

/** `name=value` pairs with commas between them, as OTEL_EXPORTER_OTLP_HEADERS has them. */
export function parseOtlpHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at < 1 ? [] : [[pair.slice(0, at).trim().toLowerCase(), pair.slice(at + 1).trim()]];
    }),
  );
}
