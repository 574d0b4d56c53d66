/**
 * `npm run bench -- embeddings`: 32 embedding calls through a bridge one by one, then at once, on a node that takes a fixed
 * time for every call and serves one at a time; and what the bridge adds to a chat on a node that answers at once.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { startBridge } from '../../gpu-bridge/bridge.ts';
import { parseConfig } from '../../gpu-bridge/config.ts';
import { silentLogger } from '../../shared/core/log.ts';
import { BridgePlatform } from '../support/bridge-platform.ts';

const PerCallMs = 20;
const Calls = 32;
const Chats = 400;
const agent = new Agent({ connections: Calls });

export async function benchEmbeddings(rounds: number): Promise<void> {
  const node = await listen(nodeServer());
  const platform = await BridgePlatform.start();
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-bench-'));
  const config = parseConfig({
    FREEHOLD_BRIDGE_PORT: '0',
    FREEHOLD_BRIDGE_DATA: dataDir,
    FREEHOLD_PLATFORM_URL: platform.url,
    FREEHOLD_PLATFORM_KEYS: JSON.stringify(platform.publicJwk),
    FREEHOLD_NODES: JSON.stringify([{ kind: 'openai-compatible', name: 'n', url: node.url }]),
  });
  const bridge = await startBridge(config, { log: silentLogger });
  platform.bridgeKey = bridge.publicJwk;
  const ratios: number[] = [];
  const added: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const tokens = () => mintTokens(platform, bridge.id, 'embeddings', 'embed', Calls);
    const [single, all] = [await tokens(), await tokens()];
    const embed = (token: string) => post(`${bridge.url}/v1/embeddings`, { model: 'embed', input: ['text'] }, token);
    const alone = await timeOf(async () => {
      for (const token of single) await embed(token);
    });
    const together = await timeOf(() => Promise.all(all.map(embed)));
    ratios.push(alone / together);
    const chat = { model: 'chat', messages: [{ role: 'user', content: 'hi' }] };
    const [direct, through] = [[] as number[], [] as number[]];
    for (const token of await mintTokens(platform, bridge.id, 'chat', 'chat', Chats)) {
      direct.push(await timeOf(() => post(`${node.url}/v1/chat/completions`, chat, '')));
      through.push(await timeOf(() => post(`${bridge.url}/v1/chat/completions`, chat, token)));
    }
    added.push(median(through) - median(direct));
  }
  console.log(`embeddings, ${Calls} at once against one by one: ${median(ratios).toFixed(1)} times the throughput`);
  console.log(`a chat, one at a time: the bridge adds ${median(added).toFixed(2)} ms (p50)`);
  await bridge.close();
  await platform.close();
  node.server.close();
  rmSync(dataDir, { recursive: true, force: true });
}

function nodeServer(): Server {
  let line: Promise<unknown> = Promise.resolve();
  return createServer(async (incoming, response) => {
    let text = '';
    for await (const bytes of incoming) text += String(bytes);
    const send = (body: object) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    if (incoming.url === '/v1/models') return send({ data: [{ id: 'chat' }, { id: 'embed' }] });
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    if (incoming.url === '/v1/chat/completions') {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }];
      return send({ choices, usage });
    }
    const turn = line.then(() => setTimeout(PerCallMs));
    line = turn;
    await turn;
    const { input } = JSON.parse(text) as { input: string[] };
    return send({ data: input.map((_, index) => ({ index, embedding: [1, 2, 3] })), usage });
  });
}

async function listen(server: Server): Promise<{ readonly server: Server; readonly url: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function mintTokens(
  platform: BridgePlatform,
  bridge: string,
  operation: 'chat' | 'embeddings',
  model: string,
  count: number,
) {
  return Promise.all(Array.from({ length: count }, () => platform.mintToken(bridge, { operation, model })));
}

async function post(url: string, body: object, token: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await request(url, { method: 'POST', headers, body: JSON.stringify(body), dispatcher: agent });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}: ${text}`);
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
