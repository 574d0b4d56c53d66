/** What goes along with a message, and what of it is shown again. */
import { describe, expect, test } from 'vitest';
import {
  fromParts,
  MaxFileBytes,
  MaxFiles,
  MaxImageBytes,
  readAttachment,
  toParts,
  type Attachment,
  type Part,
} from '../../../../workers/frontends/chat/attachments.ts';

const shrink = () => Promise.resolve(pixel);
const pixel = 'data:image/png;base64,iVBORw0KGgo=';
const files: readonly Attachment[] = [
  { kind: 'text', name: 'notes.txt', text: 'The key is under the mat.' },
  { kind: 'image', name: '', url: pixel },
];

describe('files beside a message', () => {
  test('come back out of its parts as they went in', () => {
    expect(fromParts(toParts('Where is it?', files))).toEqual({ text: 'Where is it?', files });
  });

  test('an image goes as an image, with its bytes', () => {
    expect(toParts('', files)[2]).toEqual({ type: 'input_image', image_url: pixel });
  });

  test.each([
    'https://evil.example/track.png',
    '//evil.example/track.png',
    'data:image/svg+xml;base64,PHN2Zz4=',
    'data:text/html;base64,PHN2Zz4=',
    'javascript:alert(1)',
    ' data:image/png;base64,iVBORw0KGgo=',
    { url: pixel },
    undefined,
  ])('an image that is not in the message itself is not shown: %j', (image_url) => {
    expect(
      fromParts([{ type: 'input_text', text: 'Look' }, { type: 'input_image', image_url } as unknown as Part]),
    ).toEqual({
      text: 'Look',
      files: [],
    });
  });
});

test('an image is taken as it was made small', async () => {
  const given = new File(['AAAA'], 'a "b".png', { type: 'image/png' });
  expect(await readAttachment(given, 0, shrink)).toEqual({ kind: 'image', name: 'a  b .png', url: pixel });
});

describe('a file is not taken', () => {
  const file = (type: string, size = 4) => new File([new Uint8Array(size).fill(65)], 'a', { type });
  test.each([
    ['image', file('image/png'), 0, undefined],
    ['binary', file('image/png', MaxImageBytes + 1), 0, shrink],
    ['binary', file('image/png'), 0, () => Promise.reject(new Error('no image'))],
    ['count', file('image/png'), MaxFiles, shrink],
    ['count', file('text/plain'), MaxFiles, undefined],
    ['size', file('text/plain', MaxFileBytes + 1), 0, shrink],
    ['binary', new File([new Uint8Array([0xff, 0xfe])], 'a'), 0, shrink],
    ['binary', new File(['a\0b'], 'a'), 0, shrink],
  ] as const)('%s', async (refusal, given, held, shrink) => {
    expect(await readAttachment(given, held, shrink)).toBe(refusal);
  });
});
