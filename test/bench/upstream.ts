/**
 * A fast OpenAI-compatible upstream in a process of its own: constant answers, streams of 64 chunks written one by one.
 * With a bridge identity it also plays a bridge: it delivers a signed receipt for every job token that it is sent, so
 * that the edge's settling is part of what is measured.
 */
import { createServer, type ServerResponse } from 'node:http';
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { signAs } from '../../gpu-bridge/platform-client.ts';
import { systemClock, toUnixSeconds } from '../../shared/core/clock.ts';
import { mintId, type BridgeId } from '../../shared/core/ids.ts';
import { receiptAck, TokenTypes, type JobClaims, type Receipt } from '../../shared/contracts/inference.ts';

export const Chunks = 64;
const Model = 'bench-model';
const usage = { prompt_tokens: 12, completion_tokens: Chunks, total_tokens: 12 + Chunks };
const completion = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: Model,
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Hello there.', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage,
});
const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: Model, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })}\n\n`;
const streamChunks = [
  chunk({ role: 'assistant', content: '' }),
  ...Array.from({ length: Chunks }, (_, at) => chunk({ content: `word${at} ` })),
  chunk({}, 'stop'),
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: Model, choices: [], usage })}\n\n`,
  'data: [DONE]\n\n',
];

/** Where set: a chunk every so many ms, so many of them, each saying when it was written. */
const paced = process.env['BENCH_PACE_MS']
  ? { everyMs: Number(process.env['BENCH_PACE_MS']), chunks: Number(process.env['BENCH_PACED_CHUNKS']) }
  : undefined;

function writePaced(response: ServerResponse, { everyMs, chunks }: NonNullable<typeof paced>): void {
  response.write(streamChunks[0]);
  let left = chunks;
  const timer = setInterval(() => {
    if (left-- > 0) return void response.write(chunk({ content: ` @${performance.timeOrigin + performance.now()}` }));
    clearInterval(timer);
    response.end(streamChunks.slice(-3).join(''));
  }, everyMs);
  response.on('close', () => clearInterval(timer));
}

type Identity = { readonly id: BridgeId; readonly privateJwk: JWK; readonly platformUrl: string };
const identity = process.env['BENCH_BRIDGE'] ? (JSON.parse(process.env['BENCH_BRIDGE']) as Identity) : undefined;
const key = identity && ((await importJWK(identity.privateJwk, 'EdDSA')) as CryptoKey);

/** As in the real bridge. */
const GatherMs = 250;
let waiting: Receipt[] = [];
let delivering = false;

/** At once when idle, gathered for a moment when busy: as the real bridge does it. */
async function deliver(): Promise<void> {
  if (!identity || !key || delivering) return;
  delivering = true;
  while (waiting.length > 0) {
    const receipts = waiting.splice(0, 500);
    const claims = { iss: identity.id, iat: toUnixSeconds(systemClock.now()), tenant: receipts[0]!.tenant, receipts };
    const jws = await signAs(identity.id, { privateKey: key, publicJwk: {} }, TokenTypes.receipts, claims);
    const answer = await fetch(`${identity.platformUrl}/bridge/v1/receipts`, {
      method: 'POST',
      headers: { 'content-type': 'application/jose' },
      body: jws,
    });
    const ack = receiptAck.parse(await answer.json());
    if (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, GatherMs));
    if (ack.refused.length > 0) throw new Error(`receipts were refused: ${ack.refused[0]!.reason}`);
  }
  delivering = false;
}

function note(authorization: string | undefined): void {
  if (!identity || !authorization) return;
  const claims = JSON.parse(Buffer.from(authorization.split('.')[1]!, 'base64url').toString()) as JobClaims;
  const now = systemClock.now();
  waiting.push({
    id: mintId('receipt', now),
    run: claims.jti,
    tenant: claims.tenant,
    bridge: identity.id,
    node: 'bench',
    node_kind: 'openai-compatible',
    external: false,
    operation: claims.operation,
    model: claims.model,
    input_tokens: usage.prompt_tokens,
    cached_input_tokens: 0,
    output_tokens: usage.completion_tokens,
    counted_by: 'node',
    outcome: 'completed',
    started_at: now,
    finished_at: now,
    ticket: claims.ticket,
  });
  void deliver();
}

const server = createServer((request, response) => {
  if (request.url === '/v1/models') {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ object: 'list', data: [{ id: Model, object: 'model', created: 1, owned_by: 'bench' }] }),
    );
    return;
  }
  let body = '';
  request.on('data', (part: Uint8Array) => (body += Buffer.from(part).toString('latin1')));
  request.on('end', () => {
    note(request.headers.authorization);
    if (!body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(completion) });
      response.end(completion);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (paced) return writePaced(response, paced);
    let at = 0;
    const next = () => {
      response.write(streamChunks[at++]);
      if (at < streamChunks.length) setImmediate(next);
      else response.end();
    };
    next();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
process.on('disconnect', () => process.exit(0));
