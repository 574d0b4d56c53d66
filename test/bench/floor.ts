/**
 * Measures the floor: a small C program, compiled at the first use, reads as many bytes as the codes have. Without a
 * compiler a WASM loop stands in, which is slower than native code: ratios to it look better than they are, and are marked.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { median } from './load.ts';

export type Floor = { readonly kind: 'native' | 'wasm'; measure(bytes: number): number };

export async function makeFloor(): Promise<Floor> {
  const binary = join(mkdtempSync(join(tmpdir(), 'freehold-floor-')), 'floor');
  const source = join(import.meta.dirname, 'floor.c');
  if (spawnSync('gcc', ['-O3', '-march=native', source, '-o', binary]).status === 0) {
    return {
      kind: 'native',
      measure: (bytes) => Number(execFileSync(binary, [String(bytes)], { stdio: ['ignore', 'pipe', 'ignore'] })),
    };
  }
  return { kind: 'wasm', measure: await makeStandIn() };
}

async function makeStandIn(): Promise<(bytes: number) => number> {
  const source = `export function read(end: usize): i64 {
    let sum = i64x2.splat(0);
    for (let at: usize = 0; at < end; at += 16) sum = i64x2.add(sum, v128.load(at));
    return i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1);
  }`;
  const { binary, stderr } = await asc.compileString(source, { optimizeLevel: 3, runtime: 'stub', enable: ['simd'] });
  if (!binary) throw new Error(`The stand-in does not compile.\n${stderr}`);
  const { instance } = (await WebAssembly.instantiate(Uint8Array.from(binary))) as unknown as {
    instance: WebAssembly.Instance;
  };
  const { exports } = instance;
  const { read, memory } = exports as { read(end: number): bigint; memory: WebAssembly.Memory };
  return (bytes) => {
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
    const took = Array.from({ length: 15 }, () => {
      const started = performance.now();
      read(bytes - (bytes % 16));
      return performance.now() - started;
    });
    return median(took);
  };
}
