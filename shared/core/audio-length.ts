/**
 * How long audio is, as far as its bytes tell. Of uncompressed WAV exactly, by what a decoder goes by and not by the
 * lengths that its header claims; of anything else within bounds.
 */

/** Nothing that is in use compresses speech to less than 4 kbit/s. */
const MostMsPerByte = 2;
/** 64 kbit/s: what stands in for a length that nobody says. */
const UsualBytesPerMs = 8;

const pcmFormats: ReadonlySet<number> = new Set([1, 3]);
/** Of base64, a multiple of four: the chunks before the samples are in it. */
const HeadLength = 4_096;

/** At most so long. */
export function boundAudioMs(base64: string): number {
  const { bytes, exactMs } = measure(base64);
  return Math.ceil(exactMs ?? bytes * MostMsPerByte);
}

/** About so long. */
export function estimateAudioMs(base64: string): number {
  const { bytes, exactMs } = measure(base64);
  return Math.ceil(exactMs ?? bytes / UsualBytesPerMs);
}

function measure(base64: string): { readonly bytes: number; readonly exactMs: number | undefined } {
  const bytes = Math.floor((base64.replace(/=+$/, '').length * 3) / 4);
  const head = Uint8Array.from(atob(base64.slice(0, HeadLength)), (each) => each.charCodeAt(0));
  return { bytes, exactMs: wavMs(new DataView(head.buffer), bytes) };
}

function wavMs(head: DataView, bytes: number): number | undefined {
  const tag = (at: number) => String.fromCharCode(...[0, 1, 2, 3].map((offset) => head.getUint8(at + offset)));
  if (head.byteLength < 44 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') return undefined;
  let bytesPerMs: number | undefined;
  for (let at = 12; at + 24 <= head.byteLength;) {
    const size = head.getUint32(at + 4, true);
    if (tag(at) === 'fmt ') {
      if (!pcmFormats.has(head.getUint16(at + 8, true))) return undefined;
      const frame = (head.getUint16(at + 10, true) * head.getUint16(at + 22, true)) / 8;
      bytesPerMs = (frame * head.getUint32(at + 12, true)) / 1000;
    }
    if (tag(at) === 'data') return bytesPerMs ? (bytes - at - 8) / bytesPerMs : undefined;
    at += 8 + size + (size % 2);
  }
  return undefined;
}
