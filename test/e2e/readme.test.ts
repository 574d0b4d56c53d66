/** The README's words, run as a newcomer would: pasted into a shell, in order, against `npm start`. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const run = promisify(execFile);

let folder: string;
let port: number;
let platform: ChildProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'freehold-readme-'));
  port = await freePort();
  platform = spawn(
    process.execPath,
    ['scripts/start.ts', '--port', String(port), '--data', join(folder, '.freehold')],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await new Promise<void>((resolve, reject) => {
    platform.once('exit', (code) => reject(new Error(`npm start ended with ${code}`)));
    platform.stdout!.on('data', (text: Uint8Array) => {
      if (String(text).includes('Freehold is ready')) resolve();
    });
  });
});

afterAll(async () => {
  const gone = once(platform, 'exit');
  platform.kill('SIGINT');
  await gone;
  rmSync(folder, { recursive: true, force: true });
});

describe('the README', () => {
  it('has the two commands that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
    for (const [, name] of readme.matchAll(/npm run ([a-z]+)/g)) expect(Object.keys(scripts)).toContain(name);
  });

  it('names folders and pages that exist', () => {
    const linked = [...readme.matchAll(/\]\((docs\/[^)]*)\)/g)].map(([, path]) => path!);
    const folders = [...readme.matchAll(/^\| `([a-z-]+)\/`/gm)].map(([, name]) => name!);
    expect(linked.length).toBeGreaterThan(3);
    expect(folders.length).toBeGreaterThan(5);
    expect([...linked, ...folders].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('shows first steps that work when pasted: ask, teach, ask again, see what it cost', async () => {
    const output = await paste(block('KEY=$(node'));
    expect(output).toContain('event: response.completed');
    expect(output).toContain('POST /operator/v1/tenants');
    expect(output).toMatch(/"content":"[^"]*Turing/);
    const usage = /\{"object":"list","data":\[\{"object":"usage".*$/m.exec(output)?.[0];
    expect(JSON.parse(usage ?? '{}')).toMatchObject({
      data: [{ model: 'freehold/extractive', requests: expect.any(Number) as number }],
    });
  });

  it('shows an SDK snippet that streams the answer', async () => {
    const file = join(root, 'test', `readme-snippet-${port}.mjs`);
    writeFileSync(file, adapt(block("import OpenAI from 'openai'")));
    try {
      const preload = join(root, 'test/support/resolve-localhost.mjs');
      const { stdout } = await run(process.execPath, ['--import', preload, file], {
        env: { ...process.env, KEY: await key() },
      });
      expect(stdout).toContain('Freehold is');
    } finally {
      rmSync(file);
    }
  });

  it('shows how a second tenant is made, and that tenant answers at its own host', async () => {
    const created = JSON.parse(await paste(block('OPERATOR=$(node'))) as { url: string; admin_key: { secret: string } };
    expect(created.url).toBe(`http://globex.localhost:${port}`);
    const { stdout } = await run('curl', [
      '-s',
      `${created.url}/v1/agents`,
      '-H',
      `authorization: Bearer ${created.admin_key.secret}`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ object: 'list', data: [] });
  });
});

/** The fenced block that holds this text. */
function block(text: string): string {
  const found = [...readme.matchAll(/```\w*\n([\s\S]*?)```/g)].find(([, body]) => body!.includes(text));
  if (!found) throw new Error(`The README has no block with "${text}".`);
  return found[1]!;
}

/** The port and the folder of this test in place of the usual ones. */
function adapt(text: string): string {
  return text.replaceAll('8787', String(port)).replaceAll('./.freehold', join(folder, '.freehold'));
}

async function paste(commands: string): Promise<string> {
  const { stdout } = await run('bash', ['-c', adapt(commands).replaceAll('curl ', 'curl -s ')]);
  return stdout;
}

async function key(): Promise<string> {
  return (JSON.parse(readFileSync(join(folder, '.freehold/dev.json'), 'utf8')) as { api_key: string }).api_key;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
