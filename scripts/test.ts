/** `npm test`: the checks, then every test. Further arguments go to vitest: `npm test -- test/unit/core`. */
import { spawnSync } from 'node:child_process';
import { repositoryRoot } from './platform.ts';

const args = process.argv.slice(2);
const steps: [string, string[]][] =
  args.length > 0
    ? [['vitest', ['run', ...args]]]
    : [
        ['node', ['scripts/check.ts']],
        ['vitest', ['run']],
      ];

for (const [command, parameters] of steps) {
  const done = spawnSync(command, parameters, { cwd: repositoryRoot, stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}
