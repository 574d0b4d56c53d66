/** What a node would fetch for itself. (O-1) */
import { expect, test } from 'vitest';
import { holdsForeignMedia } from '../../../shared/core/foreign-media.ts';

const pixel = 'data:image/png;base64,iVBORw0KGgo=';
const asked = (part: object) => [{ role: 'user', content: [{ type: 'text', text: 'Look: http://127.0.0.1/' }, part] }];

test.each([
  { type: 'image_url', image_url: { url: pixel, detail: 'low' } },
  { type: 'image_url', image_url: pixel },
  { type: 'input_image', image_url: null, file_id: 'f' },
  { type: 'audio_url', audio_url: { url: 'data:audio/wav;base64,AAAA' } },
  { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
  { type: 'text', text: 'http://127.0.0.1/', url: 'http://127.0.0.1/' },
])('%j is there itself', (part) => expect(holdsForeignMedia(asked(part))).toBe(false));

test.each([
  { type: 'image_url', image_url: { url: 'http://169.254.169.254/latest/meta-data' } },
  { type: 'image_url', image_url: { url: 'https://images.example.com/a.png' } },
  { type: 'image_url', image_url: 'file:///etc/passwd' },
  { type: 'image_url', image_url: '' },
  { type: 'image_url', image_url: {} },
  { type: 'image_url', image_url: { url: ['http://127.0.0.1/'] } },
  { type: 'image_url', image_url: ` ${pixel}` },
  { type: 'image_url', image_url: 'data:text/html,<img src=x>' },
  { type: 'video_url', video_url: { url: 'http://10.0.0.1/a.mp4' } },
  { type: 'audio_url', audio_url: { url: 'ftp://10.0.0.1/a.wav' } },
  { type: 'input_file', file_url: 'http://127.0.0.1/a.pdf' },
  { type: 'nested', content: [{ type: 'image_url', image_url: { url: 'http://127.0.0.1/' } }] },
])('%j would be fetched', (part) => expect(holdsForeignMedia(asked(part))).toBe(true));
