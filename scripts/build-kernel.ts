/**
 * Compiles the vector kernel (AssemblyScript) to dist/kernel/scan.wasm, where every bundle takes it from: `npm start`, the
 * tests and `wrangler deploy` (its [build] command is `npm run build`). Writes only what has changed, so nobody watches in vain.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const root = join(import.meta.dirname, '..');
const source = 'durable-objects/vector-shard/kernel/scan.as.ts';
const options =
  '--outFile scan.wasm -O3 --noAssert --runtime stub --importMemory --maximumMemory 65536 --enable simd --enable relaxed-simd';
const target = join(root, 'dist/kernel/scan.wasm');

export async function buildKernel(): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main([source, ...options.split(' ')], {
    readFile: (name) => (existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : null),
    writeFile: (_name, contents) => void (binary = Uint8Array.from(contents as Uint8Array)),
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`The vector kernel does not compile.\n${stderr}`);
  if (!existsSync(target) || Buffer.compare(readFileSync(target), binary) !== 0) {
    mkdirSync(join(target, '..'), { recursive: true });
    writeFileSync(target, binary);
  }
  return binary;
}

if (import.meta.main) await buildKernel();
