/**
 * Builds the chat element and the console into dist/frontends, where the Worker's ASSETS binding finds them. Nothing is
 * done while the sources are those of the last build.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { chatBuild, consoleBuild } from '../workers/frontends/vite.config.ts';
import { hashSources } from './hash-sources.ts';

export function frontendsFolder(root: string): string {
  return join(root, 'dist', 'frontends');
}

export async function buildFrontends(root: string): Promise<void> {
  const folder = frontendsFolder(root);
  const stamp = join(folder, '.sources');
  const sources = hashSources(root, ['workers/frontends', 'shared/core', 'shared/contracts']);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  mkdirSync(join(root, 'dist'), { recursive: true });
  // Built beside its place and moved there whole: another process may be building or serving at the same time.
  const made = mkdtempSync(join(root, 'dist', 'frontends-'));
  // Vite takes the libraries' development builds where this says anything else, as it does in a test.
  const environment = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build(chatBuild(root, join(made, 'chat')));
    await build(consoleBuild(root, join(made, 'console')));
  } finally {
    if (environment === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = environment;
  }
  writeFileSync(join(made, '.sources'), sources);
  rmSync(folder, { recursive: true, force: true });
  renameSync(made, folder);
}

if (import.meta.main) await buildFrontends(join(import.meta.dirname, '..'));
