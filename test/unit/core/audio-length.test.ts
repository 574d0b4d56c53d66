import { describe, expect, it } from 'vitest';
import { boundAudioMs, estimateAudioMs } from '../../../shared/core/audio-length.ts';
import { makeWav } from '../../support/make-wav.ts';

const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('the length of audio', () => {
  it('is exact for uncompressed WAV, whatever lengths the header claims', () => {
    for (const wav of [makeWav(2_500), makeWav(2_500, { byteRate: 4e9 }), makeWav(2_500, { dataSize: 4 })]) {
      expect(boundAudioMs(encode(wav))).toBe(2_500);
      expect(estimateAudioMs(encode(wav))).toBe(2_500);
    }
  });

  it('is found behind other chunks of the file', () => {
    const wav = makeWav(100);
    const list = Buffer.from('LIST\x03\x00\x00\x00abc\x00', 'latin1');
    expect(boundAudioMs(encode(Buffer.concat([wav.subarray(0, 36), list, wav.subarray(36)])))).toBe(100);
  });

  it('of anything else is bounded by the least that speech is compressed to, and estimated below that', () => {
    for (const bytes of [Buffer.alloc(8_000, 7), makeWav(250).fill(0xff, 20, 22), Buffer.from('RIFF')]) {
      expect(boundAudioMs(encode(bytes))).toBe(bytes.length * 2);
      expect(estimateAudioMs(encode(bytes))).toBe(Math.ceil(bytes.length / 8));
    }
  });
});
