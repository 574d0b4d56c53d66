/** `npm run check`: format, lint with the import rules, types. The same here and in CI. */
import { runTool } from './run-tool.ts';

const checks = [
  ['format', 'oxfmt', ['--check', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings', '.']],
  ['types', 'tsc', ['-p', 'tsconfig.json']],
  ['frontend types', 'tsc', ['-p', 'workers/frontends/tsconfig.json']],
] as const;

let failed = false;
for (const [name, command, args] of checks) {
  const good = runTool(command, args) === 0;
  console.log(`${good ? 'ok    ' : 'FAILED'} ${name}`);
  failed ||= !good;
}
process.exit(failed ? 1 : 0);
