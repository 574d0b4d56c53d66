/** `npm run check`: format, lint, types. The same here and in CI; the first fault of each is shown. */
import { spawnSync } from 'node:child_process';
import { repositoryRoot } from './platform.ts';

const checks = [
  ['format', 'oxfmt', ['--check', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings', '.']],
  ['types', 'tsc', ['-p', 'tsconfig.json']],
] as const;

let failed = false;
for (const [name, command, args] of checks) {
  const done = spawnSync(command, args, { cwd: repositoryRoot, stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(`${done.status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  failed ||= done.status !== 0;
}
process.exit(failed ? 1 : 0);
