/** A file that `npm run build` made, with the type that its name says. A name with a hash in it never changes. */
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Platform } from '../../durable-objects/stubs.ts';

const contentTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

/** A plain relative path below the build's folder: no way up, no hidden file. */
const safePath = /^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$/;
const hashedName = /-[A-Za-z0-9_-]{8}\.\w+$/;

export async function readBuiltFile({ ASSETS }: Platform, path: string): Promise<Result<Response>> {
  const type = contentTypes[path.slice(path.lastIndexOf('.') + 1)];
  if (!safePath.test(path) || type === undefined) return err('not_found', 'There is nothing at this path.');
  const file = await ASSETS.fetch(`http://assets/${path}`);
  if (!file.ok) {
    await file.body?.cancel();
    return err('not_found', 'There is nothing at this path.');
  }
  return ok(
    new Response(file.body, {
      headers: {
        'content-type': type,
        'x-content-type-options': 'nosniff',
        'cache-control': hashedName.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      },
    }),
  );
}
