/** Bundles the Worker for one's own workerd: one ES module, the runtime's own modules and compiled ones left outside. */
import { basename } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** Compiled modules are modules of their own, beside the bundle; workerd compiles no bytes. */
const compiledModules: Plugin = {
  name: 'compiled-modules',
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path: `./${basename(path)}`, external: true }));
  },
};

export async function buildWorker(root: string, entry = 'workers/index.ts'): Promise<string> {
  const result = await build({
    entryPoints: [`${root}/${entry}`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser', 'import'],
    external: ['node:*', 'cloudflare:*'],
    loader: { '.html': 'text', '.css': 'text' },
    plugins: [compiledModules],
    logLevel: 'error',
  });
  return result.outputFiles[0]!.text;
}
