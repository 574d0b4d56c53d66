/**
 * A Chromium for a test, headless and without any network of its own accord. It is the machine's; where it has none, it is
 * installed if that may be done, and otherwise the test fails and says what to do.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { installPackage } from './install-package.ts';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export function findChromium(): string {
  const find = () => process.env['CHROMIUM'] ?? places.find((place) => existsSync(place));
  if (find() === undefined) installPackage('chromium');
  const found = find();
  if (found === undefined)
    throw new Error('No Chromium found. Install it (apt-get install chromium) or name its path in CHROMIUM.');
  return found;
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

/** The page in the colours of a scheme, which it takes when the browser tells it, and fades to. */
export async function wearScheme(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
  await animationsOver(page);
}

/** What is still moving has its colours half way, which is nobody's contrast. What moves for ever is not waited for. */
export async function animationsOver(page: Page): Promise<void> {
  await page.evaluate(`(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const moving = () => document.getAnimations().filter(({ effect, playState }) =>
      playState === 'running' && effect?.getComputedTiming().endTime !== Infinity);
    for (let still = 0; still < 2; still = moving().length === 0 ? still + 1 : 0) {
      await Promise.allSettled(moving().map(({ finished }) => finished));
      await frame();
    }
  })()`);
}
