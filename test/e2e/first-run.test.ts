/** `npm start` as a user meets it: on an empty folder, again, twice at once, on a port that is taken, and after every end. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LocalClient } from '../../scripts/local-client.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { StartedProcess, type DevFile } from '../support/started-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const run = promisify(execFile);
const devNames = ['agent', 'api_key', 'operator_token', 'platform_url', 'tenant_url'];
type List<T> = { readonly data: readonly T[] };

const folders: string[] = [];
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'freehold-start-'));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function start(folder: string, port: number, ...more: string[]): Promise<StartedProcess> {
  const started = new StartedProcess(folder, ['--port', String(port), ...more]);
  onTestFinished(() => started.killGroup());
  await started.ready();
  return started;
}

function tenantOf(dev: DevFile): LocalClient {
  const url = new URL(dev.tenant_url);
  return new LocalClient(Number(url.port), url.hostname, dev.api_key);
}

async function listMemories(dev: DevFile): Promise<readonly { id: string; text: string }[]> {
  const { data } = await tenantOf(dev).require<List<{ id: string; text: string }>>(
    'GET',
    `/v1/agents/${dev.agent}/memories?limit=100`,
  );
  return data;
}

describe('a start on an empty folder', () => {
  let started: StartedProcess;

  beforeAll(async () => {
    started = await StartedProcess.start(makeFolder(), ['--port', String(await findFreePort())]);
  });
  afterAll(() => started.killGroup());

  it('prints the address, the key, and where the operator speaks', () => {
    const { dev, stdout } = started;
    for (const part of [`${dev.tenant_url}/`, `${dev.tenant_url}/v1`, dev.api_key, `${dev.platform_url}/console`]) {
      expect(stdout).toContain(part);
    }
    expect(started.stderr).toBe('');
    expect(stdout).not.toContain(dev.operator_token);
  });

  it('leaves a dev.json with exactly the documented names, readable by its owner alone', () => {
    expect(Object.keys(started.dev).sort()).toEqual(devNames);
    for (const name of ['dev.json', 'secrets.json']) {
      expect(statSync(join(started.dataDir, name)).mode & 0o077, name).toBe(0);
    }
    expect(statSync(started.dataDir).mode & 0o077).toBe(0);
  });

  it('prints a curl line that answers when it is pasted into a shell', async () => {
    const line = started.stdout.split('\n').find((each) => each.startsWith('curl '));
    const { stdout } = await run('bash', ['-c', line!]);
    expect(stdout).toContain('event: response.completed');
    expect(stdout).toMatch(/event: response\.output_text\.delta/);
  });

  it('has an agent that answers out of its memories', async () => {
    const { dev } = started;
    expect((await listMemories(dev)).length).toBeGreaterThan(3);
    const answer = await tenantOf(dev).require<{ choices: { message: { content: string } }[] }>(
      'POST',
      '/v1/chat/completions',
      {
        model: `agent/${dev.agent}`,
        messages: [{ role: 'user', content: 'What is Freehold?' }],
      },
    );
    expect(answer.choices[0]!.message.content).toMatch(/Freehold/);
  });

  it('serves the chat page and the documents', async () => {
    const port = new URL(started.dev.tenant_url).port;
    for (const path of ['/healthz', '/openapi.json', '/docs', '/']) {
      const { stdout } = await run('curl', [
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        `http://acme.localhost:${port}${path}`,
      ]);
      expect(`${path} ${stdout}`).toBe(`${path} 200`);
    }
  });

  it('refuses a second start on the same folder, and says why', async () => {
    const second = new StartedProcess(started.dataDir, ['--port', String(await findFreePort())]);
    expect(await second.ended()).toBe(1);
    expect(second.stderr).toMatch(/already running on this data folder \(process \d+\)/);
    expect(second.stderr).not.toMatch(/\n\s+at /);
    expect((await tenantOf(started.dev).call('GET', '/v1/models')).status).toBe(200);
  });
});

describe('a second start', () => {
  it('finds what the first left: the same key, the memories once', async () => {
    const folder = makeFolder();
    const port = await findFreePort();
    const first = await start(folder, port);
    const before = first.dev;
    const memories = await listMemories(before);
    const own = { text: 'The house has a blue door.' };
    const added = await tenantOf(before).require<{ id: string }>('POST', `/v1/agents/${before.agent}/memories`, own);
    expect(await first.interrupt()).toBe(0);
    const second = await start(folder, port);
    expect(second.dev).toEqual(before);
    const after = await listMemories(second.dev);
    expect(new Set(after.map(({ id }) => id))).toEqual(new Set([...memories.map(({ id }) => id), added.id]));
  });

  it('without a demo leaves out the tenant, and with one later makes it', async () => {
    const folder = makeFolder();
    const port = await findFreePort();
    const bare = await start(folder, port, '--no-demo');
    expect(Object.keys(bare.dev).sort()).toEqual(['operator_token', 'platform_url']);
    expect(await bare.interrupt()).toBe(0);
    const full = await start(folder, port);
    expect(Object.keys(full.dev).sort()).toEqual(devNames);
  });
});

describe('a start that cannot be', () => {
  it('says that the port is taken, and leaves nothing running', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const refused = new StartedProcess(makeFolder(), ['--port', String(port)]);
    expect(await refused.ended()).toBe(1);
    expect(refused.stderr).toContain(`Port ${port} is taken`);
    expect(refused.stderr).not.toMatch(/\n\s+at /);
    await waitUntil('nothing is left', () => refused.group().length === 0);
  });

  it.each([
    [['--port', 'nonsense'], /port "nonsense" is not a number/],
    [['--port', '70000'], /port "70000" is not a number/],
    [['--nonsense'], /Usage: npm start/],
  ])('explains %j', async (args, message) => {
    const refused = new StartedProcess(makeFolder(), args);
    expect(await refused.ended()).toBe(1);
    expect(refused.stderr).toMatch(message);
    expect(refused.stderr).not.toMatch(/\n\s+at /);
  });

  it('frees its folder, so that the next start on another port works', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const folder = makeFolder();
    const refused = new StartedProcess(folder, ['--port', String((other.address() as AddressInfo).port), '--no-demo']);
    expect(await refused.ended()).toBe(1);
    await start(folder, await findFreePort(), '--no-demo');
  });
});

describe('two starts at the same moment', () => {
  it('on one folder end with exactly one of them running', async () => {
    const folder = makeFolder();
    const both = await Promise.all(
      [0, 1].map(async () => new StartedProcess(folder, ['--no-demo', '--port', String(await findFreePort())])),
    );
    onTestFinished(() => Promise.all(both.map((each) => each.killGroup())).then(() => {}));
    const outcomes = await Promise.allSettled(both.map((each) => each.ready()));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = both[outcomes.findIndex(({ status }) => status === 'rejected')]!;
    expect(refused.stderr).toMatch(/already running on this data folder/);
  });
});

describe('the end of a start', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s leaves no process behind and loses no acknowledged write',
    async (signal) => {
      const folder = makeFolder();
      const port = await findFreePort();
      const first = await start(folder, port);
      const client = tenantOf(first.dev);
      const acknowledged: string[] = [];
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let at = 0; ; at++) {
          const made = await client.require<{ id: string }>('POST', '/v1/conversations', {
            metadata: { at: `${writer} ${at}` },
          });
          acknowledged.push(made.id);
        }
      }).map((work) => work.catch(() => {}));
      await waitUntil('some writes', () => acknowledged.length > 20);
      // Ctrl-C reaches the whole group; a service manager's SIGTERM the first process only.
      process.kill(signal === 'SIGINT' ? -first.pid : first.pid, signal);
      expect(await first.ended()).toBe(0);
      await Promise.all(writers);
      await waitUntil('nothing is left', () => first.group().length === 0);
      const second = await start(folder, port);
      for (const id of acknowledged) {
        expect((await tenantOf(second.dev).call('GET', `/v1/conversations/${id}`)).status, id).toBe(200);
      }
    },
  );

  it.each(['secrets.json', 'platform.log', 'bridge.log'])(
    'by Ctrl-C while it still starts (at %s) leaves no process behind, and the next start works',
    async (file) => {
      const folder = makeFolder();
      const port = await findFreePort();
      const first = new StartedProcess(folder, ['--port', String(port)]);
      onTestFinished(() => first.killGroup());
      await waitUntil(`the start has come to ${file}`, () => existsSync(join(folder, file)));
      await first.interrupt();
      await waitUntil('nothing is left', () => first.group().length === 0);
      const second = await start(folder, port);
      expect((await listMemories(second.dev)).length).toBeGreaterThan(3);
    },
  );

  it('by SIGKILL of the parent alone leaves a workerd that the next start ends', async () => {
    const folder = makeFolder();
    const port = await findFreePort();
    const first = await start(folder, port);
    const { workerd } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { workerd: number[] };
    expect(workerd.length).toBeGreaterThan(0);
    await first.killParentOnly();
    const second = await start(folder, port);
    for (const pid of workerd) expect(first.group()).not.toContain(pid);
    expect(await listMemories(second.dev)).toEqual(await listMemories(first.dev));
    await waitUntil('the first bridge has gone too', () => first.group().length === 0);
  });

  it('by the death of its bridge ends the whole, with the reason', async () => {
    const started = await start(makeFolder(), await findFreePort(), '--no-demo');
    const bridge = started
      .group()
      .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('gpu-bridge/main.ts'));
    process.kill(bridge!, 'SIGKILL');
    expect(await started.ended()).toBe(1);
    expect(started.stderr).toMatch(/bridge ended/);
    await waitUntil('nothing is left', () => started.group().length === 0);
  });
});
