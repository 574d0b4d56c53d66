/**
 * The exporter of an isolate, for the edge and the objects in it: none where the operator has named no collector. What was
 * gathered goes out a second after the first of it, through the safe egress.
 */
import { systemClock } from '../core/clock.ts';
import { Egress, type EgressPlatform } from '../egress/egress.ts';
import type { Measurement, Span } from './otlp.ts';
import { OtlpExporter, parseOtlpHeaders } from './otlp-exporter.ts';

const GatherMs = 1_000;
const TimeoutMs = 5_000;
const MaxAnswerBytes = 64 * 1024;

export type OtlpPlatform = EgressPlatform & {
  readonly OTLP_ENDPOINT?: string;
  readonly OTLP_HEADERS?: string;
};

let exporter: { readonly url: string; readonly of: OtlpExporter } | undefined;

/** `waitUntil`: keeps alive what brings it. */
export function exportSpan(
  platform: OtlpPlatform,
  span: Span,
  measurements: readonly Measurement[],
  waitUntil: (work: Promise<unknown>) => void,
): void {
  const { OTLP_ENDPOINT: url, OTLP_HEADERS: headers = '' } = platform;
  if (!url) return;
  if (exporter?.url !== url) {
    const settings = { url, headers: parseOtlpHeaders(headers) };
    exporter = { url, of: new OtlpExporter(settings, { 'service.name': 'freehold' }, systemClock) };
  }
  const { of } = exporter;
  if (of.add(span, measurements)) waitUntil(flushLater(of, Egress.of(platform)));
}

export function isTracing({ OTLP_ENDPOINT: url }: OtlpPlatform): boolean {
  return Boolean(url);
}

async function flushLater(of: OtlpExporter, egress: Egress): Promise<void> {
  await scheduler.wait(GatherMs);
  await of.flush((url, headers, body) =>
    egress.fetch(
      { url, method: 'POST', headers, body },
      { timeoutMs: TimeoutMs, maxBytes: MaxAnswerBytes, excess: 'truncate' },
    ),
  );
}
