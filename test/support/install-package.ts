/** A package of the operating system that a test needs and the machine has not, where it may be installed. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const InstallMs = 300_000;

/** Does nothing where nothing may be installed: who asks looks again, and says what to do. */
export function installPackage(name: string, ...options: readonly string[]): void {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], { timeout: InstallMs, stdio: 'ignore' });
  const get = () => apt('install', '-y', ...options, name);
  try {
    get();
  } catch {
    // A fresh machine does not know what there is.
    apt('update');
    get();
  }
}
