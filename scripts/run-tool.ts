/** Runs a tool of this repository, wherever the caller's PATH points. */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** The tool's exit code; what it prints goes where this process prints. */
export function runTool(command: string, args: readonly string[]): number {
  const path = [join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter);
  const done = spawnSync(command, args, { cwd: root, env: { ...process.env, PATH: path }, stdio: 'inherit' });
  if (done.error) console.error(done.error.message);
  return done.status ?? 1;
}
