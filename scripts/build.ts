/** Bundles the Worker for one's own workerd: one ES module, the runtime's own modules left outside. */
import { build } from 'esbuild';

export async function buildWorker(root: string): Promise<string> {
  const result = await build({
    entryPoints: [`${root}/workers/index.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser', 'import'],
    external: ['node:*', 'cloudflare:*'],
    loader: { '.html': 'text', '.css': 'text', '.client.js': 'text' },
    logLevel: 'error',
  });
  return result.outputFiles[0]!.text;
}
