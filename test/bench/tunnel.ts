/**
 * `npm run bench:tunnel`: the tunnel beside plain HTTP, edge and bridge and all, before one upstream. Prints a table and
 * writes the same as JSON to dist/bench-tunnel.json. Options: --rounds N, --ms N.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../scripts/platform.ts';
import { compare, print, target } from './compare.ts';
import { setWays } from './stage.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, ms: { type: 'string', default: '2000' } },
});
const size = { rounds: Number(values.rounds), windowMs: Number(values.ms) };

const ways = await setWays();
try {
  const measure = (stream: boolean) => {
    const body = { model: 'bench-model', messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 64, stream };
    const end = stream ? '[DONE]' : '"stop"';
    return compare(
      [
        target('plain HTTP', ways.http, '/v1/chat/completions', body, end),
        target('tunnel', ways.tunnel, '/v1/chat/completions', body, end),
      ],
      size,
      true,
    );
  };
  const answers = await measure(false);
  const streams = await measure(true);
  print('Answers (edge, bridge, fast upstream; not streaming)', answers);
  print('Streams (64 chunks)', streams);
  mkdirSync(join(repositoryRoot, 'dist'), { recursive: true });
  const report = { machine: { cores: navigator.hardwareConcurrency }, ...size, answers, streams };
  writeFileSync(join(repositoryRoot, 'dist/bench-tunnel.json'), `${JSON.stringify(report, null, 2)}\n`);
} finally {
  await ways.stop();
}
