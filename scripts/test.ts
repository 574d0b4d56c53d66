/** `npm test`: the checks, then every test. Arguments go to vitest instead: `npm test -- --project unit`. */
import { runTool } from './run-tool.ts';

const args = process.argv.slice(2);
const steps: [string, string[]][] =
  args.length > 0
    ? [['vitest', ['run', ...args]]]
    : [
        ['node', ['scripts/check.ts']],
        ['vitest', ['run']],
      ];

for (const [command, parameters] of steps) {
  const code = runTool(command, parameters);
  if (code !== 0) process.exit(code);
}
