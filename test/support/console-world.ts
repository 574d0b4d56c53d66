/**
 * A console in a browser, for the suites of it: a platform with one tenant and its agent, and pages of both consoles that
 * somebody signed in at before.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { startPlatformWithNode, type PlatformWithNode } from './platform-with-node.ts';

export type ConsoleWorld = PlatformWithNode & {
  /** Addresses of the tenant's console, and of the operator's. */
  readonly home: string;
  readonly operatorHome: string;
  /** A page in a context of its own. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Signed in, as a tab that was before. What the policy forbade, or a page threw, is kept. */
  enter(url: string, credential: string): Promise<{ readonly page: Page; readonly faults: readonly string[] }>;
};

/** What somebody may write anywhere, and what must never run: it sets `__ran`. */
export const hostile = '<img src=x onerror="globalThis.__ran = 1"><script>globalThis.__ran = 1</script>';

export async function startConsoleWorld(): Promise<ConsoleWorld> {
  const [world, browser] = await Promise.all([startPlatformWithNode(), launchBrowser()]);
  return {
    ...world,
    home: `http://acme.localhost:${world.platform.port}/console`,
    operatorHome: `http://localhost:${world.platform.port}/console`,
    open: (url, options) => open(browser, url, options),
    enter: (url, credential) => enter(browser, url, credential),
    async stop() {
      await browser.close();
      await world.stop();
    },
  };
}

async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function enter(browser: Browser, url: string, credential: string): ReturnType<ConsoleWorld['enter']> {
  const page = await open(browser, 'about:blank');
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text());
  });
  const kept = JSON.stringify(JSON.stringify({ credential }));
  const enters = `if (location.protocol === 'http:' && !sessionStorage.length) sessionStorage.setItem('freehold.console', ${kept});`;
  await page.addInitScript({ content: enters });
  await page.goto(url);
  return { page, faults };
}

/** As from a clipboard, which a browser without a screen does not have. */
export async function paste(page: Page, text: string): Promise<void> {
  await page.locator('input').first().focus();
  await page.evaluate(`{
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', ${JSON.stringify(text)});
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }`);
}
