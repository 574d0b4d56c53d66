/**
 * Compiles the vector kernel (AssemblyScript) to dist/kernel/scan.wasm, where every bundle takes it from: `npm start`, the
 * tests and `wrangler deploy` (its [build] command is `npm run build`). Nothing is done while the source is that of the
 * last build.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSources } from './hash-sources.ts';

const root = join(import.meta.dirname, '..');
const folder = 'durable-objects/vector-shard/kernel';
const options =
  '--outFile scan.wasm -O3 --noAssert --runtime stub --importMemory --maximumMemory 65536 --enable simd --enable relaxed-simd';
const built = join(root, 'dist/kernel');
const target = join(built, 'scan.wasm');

export async function buildKernel(): Promise<Uint8Array<ArrayBuffer>> {
  const stamp = join(built, '.sources');
  const sources = hashSources(root, [folder], options);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return Uint8Array.from(readFileSync(target));
  const binary = await compile();
  mkdirSync(built, { recursive: true });
  writeFileSync(target, binary);
  writeFileSync(stamp, sources);
  return binary;
}

async function compile(): Promise<Uint8Array<ArrayBuffer>> {
  // The compiler takes longer to load than everything else of a start that has nothing to compile.
  const { default: asc } = await import('assemblyscript/asc');
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main([`${folder}/scan.as.ts`, ...options.split(' ')], {
    readFile: (name) => (existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : null),
    writeFile: (_name, contents) => void (binary = Uint8Array.from(contents as Uint8Array)),
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`The vector kernel does not compile.\n${stderr}`);
  return binary;
}

if (import.meta.main) await buildKernel();
