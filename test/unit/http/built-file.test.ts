/** Built files as they are sent: compressed for who reads it, kept for ever or asked about by what they hold. */
import { describe, expect, test } from 'vitest';
import type { Platform } from '../../../durable-objects/stubs.ts';
import { sendBuiltFile } from '../../../workers/http/built-file.ts';

const files: Record<string, string> = {
  'chat/freehold-chat.js': 'export {};',
  'console/assets/main-a1B2c3D4.js': 'export {};',
  'console/assets/font-a1B2c3D4.woff2': 'font',
};
const platform = {
  ASSETS: {
    fetch: (url: string) => {
      const text = files[url.replace('http://assets/', '')];
      return Promise.resolve(new Response(text ?? '', { status: text === undefined ? 404 : 200 }));
    },
  },
} as unknown as Platform;

async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const sent = await sendBuiltFile({ platform, request: new Request('http://acme.example/', { headers }) }, path);
  if (!sent.ok) return new Response(null, { status: 404 });
  return (sent.value as { readonly response: Response }).response;
}
const chat = 'chat/freehold-chat.js';

describe('a built file', () => {
  test('whose name stays is asked about by what it holds, and sent again only when that is something else', async () => {
    const first = await get(chat);
    const tag = first.headers.get('etag')!;
    expect([first.status, first.headers.get('cache-control'), tag]).toEqual([
      200,
      'no-cache',
      expect.stringMatching(/^W\/"/),
    ]);
    for (const held of [tag, tag.replace('W/', ''), `"other", ${tag}`, '*']) {
      const again = await get(chat, { 'if-none-match': held });
      expect([again.status, again.headers.get('etag'), again.headers.get('content-encoding')]).toEqual([
        304,
        tag,
        null,
      ]);
      expect(await again.text()).toBe('');
    }
    files[chat] = 'export const changed = true;';
    const changed = await get(chat, { 'if-none-match': tag });
    expect([changed.status, await changed.text()]).toEqual([200, 'export const changed = true;']);
  });

  test('whose name tells what it holds is kept for ever', async () => {
    const { headers } = await get('console/assets/main-a1B2c3D4.js');
    expect([headers.get('cache-control'), headers.get('etag')]).toEqual(['public, max-age=31536000, immutable', null]);
  });

  test.each([
    ['gzip, deflate, br', 'gzip'],
    ['br;q=1.0, gzip;q=0.8', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip;q=0', null],
    ['gzip;q=0.000, br', null],
    ['br', null],
    ['x-gzip-like', null],
    ['', null],
  ])('is compressed for who accepts "%s": %s', async (accepted, encoding) => {
    const { headers } = await get(chat, { 'accept-encoding': accepted });
    expect([headers.get('content-encoding'), headers.get('vary')]).toEqual([encoding, 'accept-encoding']);
  });

  test('that is small already is sent as it is', async () => {
    const { headers } = await get('console/assets/font-a1B2c3D4.woff2', { 'accept-encoding': 'gzip' });
    expect([headers.get('content-encoding'), headers.get('content-type')]).toEqual([null, 'font/woff2']);
  });

  test.each(['chat/nothing.js', '../secret.js', 'chat/.sources', 'chat/file.gz', 'chat/file'])(
    'is not there: %s',
    async (path) => expect((await get(path)).status).toBe(404),
  );
});
