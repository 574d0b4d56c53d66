/** The registry of what holds a tenant, read in Node: its module stands on the runtime's own, which is left out here. */
import { build } from 'esbuild';
import { repositoryRoot } from '../../scripts/platform.ts';

const bundle = await build({
  entryPoints: [`${repositoryRoot}/durable-objects/estate.ts`],
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2024',
  platform: 'node',
  external: ['cloudflare:*'],
  logLevel: 'error',
});
const text = bundle.outputFiles[0]!.text.replaceAll(/^import .* from "cloudflare:workers";$/gm, '');
const url = `data:text/javascript;base64,${Buffer.from(`const RpcTarget = class {}, DurableObject = class {};\n${text}`).toString('base64')}`;
export const { holders } = (await import(/* @vite-ignore */ url)) as { holders: Readonly<Record<string, unknown>> };
