/**
 * A Chromium for a test, headless and without any network of its own accord. It is the machine's; where it has none, it is
 * installed if that may be done, and otherwise the test fails and says what to do.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const InstallMs = 300_000;

export function findChromium(): string {
  const named = process.env['CHROMIUM'];
  const found = named ?? places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    execFileSync('apt-get', ['install', '-y', 'chromium'], { timeout: InstallMs, stdio: 'ignore' });
    const installed = places.find((place) => existsSync(place));
    if (installed !== undefined) return installed;
  }
  throw new Error('No Chromium found. Install it (apt-get install chromium) or name its path in CHROMIUM.');
}

/** Its profile is a fresh one, gone when it closes. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Where screenshots are kept: beside the build, outside the repository. */
export function screenshotPath(name: string): string {
  const folder = join(import.meta.dirname, '../../dist/screenshots');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.png`);
}

/** What is still moving has its colours half way, which is nobody's contrast. What moves for ever is not waited for. */
export async function animationsOver(page: Page): Promise<void> {
  await page.evaluate(`Promise.allSettled(document.getAnimations()
    .filter(({ effect, playState }) => playState === 'running' && effect?.getComputedTiming().endTime !== Infinity).map(({ finished }) => finished))`);
}
