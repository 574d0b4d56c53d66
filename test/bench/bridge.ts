/**
 * `npm run bench -- bridge`: what stands between a caller and a fast node, side by side: nothing, nginx (where it is
 * installed), the edge alone, edge and bridge over plain HTTP, and through the tunnel; then the bridge alone and its
 * batching of embeddings. Prints tables and writes the first as JSON to dist/bench-bridge.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/platform.ts';
import { measureAdded } from './added.ts';
import { compare, print, target } from './compare.ts';
import { benchEmbeddings } from './embeddings.ts';
import type { Target } from './load.ts';
import { setWays } from './stage.ts';

export async function benchBridge(size: { readonly rounds: number; readonly windowMs: number }): Promise<void> {
  const ways = await setWays();
  try {
    const measure = (stream: boolean) => {
      const path = '/v1/chat/completions';
      const body = {
        model: 'bench-model',
        messages: [{ role: 'user', content: 'Say hello.' }],
        max_tokens: 64,
        stream,
      };
      const end = stream ? '[DONE]' : '"stop"';
      const headers = { 'content-type': 'application/json' };
      const plain = (name: string, origin: string): Target => ({
        name,
        origin,
        path,
        headers,
        body: JSON.stringify(body),
        end,
      });
      const subjects = [
        plain('node alone', ways.upstreamUrl),
        ...(ways.nginxUrl === undefined ? [] : [plain('nginx', ways.nginxUrl)]),
        target('edge', ways.edge, path, body, end),
        target('edge + bridge', ways.http, path, body, end),
        target('edge + bridge, tunnel', ways.tunnel, path, body, end),
      ];
      return compare(subjects, size, true);
    };
    const answers = await measure(false);
    const streams = await measure(true);
    print('Answers (fast node; not streaming)', answers);
    print('Streams (64 chunks)', streams);
    mkdirSync(join(repositoryRoot, 'dist'), { recursive: true });
    const report = { machine: { cores: navigator.hardwareConcurrency }, ...size, answers, streams };
    writeFileSync(join(repositoryRoot, 'dist/bench-bridge.json'), `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await ways.stop();
  }
  print('What the bridge alone adds: answers', await measureAdded(size, false));
  print('What the bridge alone adds: streams', await measureAdded(size, true));
  await benchEmbeddings(size.rounds);
}
