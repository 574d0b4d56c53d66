/** A WAV file of silence: 16 kHz, 16 bit, one channel, with a header that may lie. */
export function makeWav(
  milliseconds: number,
  lies: { readonly byteRate?: number; readonly dataSize?: number } = {},
): Buffer {
  const size = milliseconds * 32;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + size, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(lies.byteRate ?? 32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(lies.dataSize ?? size, 40);
  return Buffer.concat([head, Buffer.alloc(size)]);
}
