/** Brings the spans of jobs to the operator's collector every second, where one is configured. */
import type { Receipt } from '../shared/contracts/inference.ts';
import type { Clock } from '../shared/core/clock.ts';
import { OtlpExporter, parseOtlpHeaders, type PostJson } from '../shared/telemetry/otlp-exporter.ts';
import type { BridgeConfig } from './config.ts';
import { traceJob } from './trace-job.ts';

const EveryMs = 1_000;
const TimeoutMs = 5_000;

export class BridgeTracer {
  readonly #exporter: OtlpExporter;
  readonly #timer: NodeJS.Timeout;

  private constructor(exporter: OtlpExporter) {
    this.#exporter = exporter;
    this.#timer = setInterval(() => void exporter.flush(post), EveryMs);
    this.#timer.unref();
  }

  static of(config: BridgeConfig, bridgeId: string, clock: Clock): BridgeTracer | undefined {
    const { otlp_endpoint: url, otlp_headers: headers } = config;
    if (url === undefined) return undefined;
    const resource = { 'service.name': 'freehold-bridge', 'service.instance.id': bridgeId };
    return new BridgeTracer(new OtlpExporter({ url, headers: parseOtlpHeaders(headers) }, resource, clock));
  }

  observe(receipt: Receipt, traceparent: string | undefined): void {
    const traced = traceJob(traceparent, receipt);
    if (traced) this.#exporter.add(traced.span, traced.measurements);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#exporter.flush(post);
  }
}

const post: PostJson = async (url, headers, body) => {
  const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TimeoutMs) });
  await answer.body?.cancel();
};
