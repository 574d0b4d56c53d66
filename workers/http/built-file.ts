/**
 * A file that `npm run build` made, with the type that its name says. A name with a hash in it never changes; any other is
 * asked about anew, by what it holds. Sent smaller where that can be read.
 */
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Platform } from '../../durable-objects/stubs.ts';
import type { RequestContext } from '../edge/request-context.ts';
import { raw, type Reply } from './reply.ts';

const contentTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};
const smallAlready = new Set(['woff2']);

/** A plain relative path below the build's folder: no way up, no hidden file. */
const safePath = /^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$/;
const hashedName = /-[A-Za-z0-9_-]{8}\.\w+$/;

export async function readBuiltFile({ ASSETS }: Platform, path: string): Promise<Result<Response>> {
  if (!safePath.test(path) || contentTypes[extensionOf(path)] === undefined) return nothingThere();
  const file = await ASSETS.fetch(`http://assets/${path}`);
  if (file.ok) return ok(file);
  await file.body?.cancel();
  return nothingThere();
}

/** The file as an answer: whole, or that what the browser holds still stands. */
export async function sendBuiltFile(
  { platform, request }: Pick<RequestContext, 'platform' | 'request'>,
  path: string,
): Promise<Result<Reply>> {
  const file = await readBuiltFile(platform, path);
  if (!file.ok) return file;
  const extension = extensionOf(path);
  const headers = new Headers({ 'content-type': contentTypes[extension]!, 'x-content-type-options': 'nosniff' });
  if (!smallAlready.has(extension)) {
    headers.set('vary', 'accept-encoding');
    // The runtime compresses a body whose header says so.
    if (acceptsGzip(request)) headers.set('content-encoding', 'gzip');
  }
  if (hashedName.test(path)) {
    headers.set('cache-control', 'public, max-age=31536000, immutable');
    return ok(raw(new Response(file.value.body, { headers })));
  }
  const bytes = await file.value.arrayBuffer();
  const tag = await tagOf(bytes);
  headers.set('cache-control', 'no-cache');
  headers.set('etag', tag);
  if (!holds(request, tag)) return ok(raw(new Response(bytes, { headers })));
  for (const name of ['content-type', 'content-encoding']) headers.delete(name);
  return ok(raw(new Response(null, { status: 304, headers })));
}

const nothingThere = () => err('not_found', 'There is nothing at this path.');
const extensionOf = (path: string) => path.slice(path.lastIndexOf('.') + 1);

function acceptsGzip(request: Request): boolean {
  return /(?:^|[\s,])gzip(?!\s*;\s*q=0(?:\.0*)?(?:$|[\s,]))/i.test(request.headers.get('accept-encoding') ?? '');
}

/** Weak: the same file is sent with and without compression (RFC 9110, 8.8.1). */
async function tagOf(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return `W/"${btoa(String.fromCharCode(...digest.slice(0, 15)))}"`;
}

/** If-None-Match compares weakly (RFC 9110, 13.1.2). */
function holds(request: Request, tag: string): boolean {
  const opaque = (each: string) => each.trim().replace(/^W\//, '');
  const held = (request.headers.get('if-none-match') ?? '').split(',').map(opaque);
  return held.includes('*') || held.includes(opaque(tag));
}
