/**
 * BridgeTunnelObject: the platform's end of one bridge's tunnel. A request that comes in goes through the connection as
 * a Cap'n Web call, and its answer streams back; who leaves cancels it; a connection that breaks in the middle of a
 * stream becomes an error event, never an end. Keeps nothing: a bridge that finds no tunnel dials again.
 */
import { DurableObject } from 'cloudflare:workers';
import { newWebSocketRpcSession, RpcTarget, type RpcStub } from 'capnweb';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { fail, failureKinds, toErrorObject, type Failure } from '../../shared/core/failure.ts';
import { invariant } from '../../shared/core/invariant.ts';
import type { Result } from '../../shared/core/result.ts';
import { cutFrames } from '../../shared/core/sse.ts';
import { CacheHeader, NodeHeader, NotBegunHeader, UnreachedHeader } from '../../shared/contracts/inference.ts';
import {
  BeatEveryMs,
  readTunnelBody,
  toTunnelBody,
  TunnelClose,
  TunnelTokenHeader,
  TunnelUntilHeader,
  type JobServer,
  type TunnelAnswer,
  type TunnelBody,
} from '../../shared/contracts/tunnel.ts';
import { bridgeOfObjectName } from '../../shared/tenancy/object-name.ts';
import { requireObjectName } from '../runtime/object-identity.ts';
import { Objects, reached, type Platform } from '../stubs.ts';
import { TunnelSessions } from './tunnel-sessions.ts';

const MaxAnswerLength = 64 * 1024 * 1024;
const forwardedHeaders = ['authorization', 'x-request-id', 'traceparent'] as const;
const answeredHeaders = [
  'content-type',
  'retry-after-ms',
  'x-should-retry',
  NodeHeader,
  CacheHeader,
  NotBegunHeader,
] as const;
const encoder = new TextEncoder();

type Session = {
  readonly bridge: RpcStub<RpcTarget & JobServer>;
  readonly socket: WebSocket;
  heardAt: number;
  running: number;
};

export class BridgeTunnelObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #sessions = new TunnelSessions<Session>();
  #cuts = 0;
  #calls = 0;
  #watch: ReturnType<typeof setInterval> | undefined;

  override async fetch(request: Request): Promise<Response> {
    return request.headers.get('upgrade') === 'websocket' ? this.#open(request) : this.#forward(request);
  }

  /** Ends every session and what runs in it. */
  cut(reason: keyof typeof TunnelClose): void {
    this.#cuts++;
    for (const session of this.#sessions.all) this.#drop(session, reason);
  }

  /** Drops the sessions that have been silent too long. */
  dropSilent(): void {
    for (const session of this.#sessions.silent(this.clock.now())) this.#drop(session, 'silent');
  }

  async #open({ headers }: Request): Promise<Response> {
    const bridge = bridgeOfObjectName(requireObjectName(this.ctx));
    invariant(bridge, 'the name of this object carries no bridge');
    const cuts = this.#cuts;
    const token = headers.get(TunnelTokenHeader) ?? '';
    const until = Number(headers.get(TunnelUntilHeader));
    const admitted = await reached(new Objects(this.env).nodePool().admitTunnel(bridge, token, until));
    const verdict: Result<unknown> = admitted.ok ? admitted.value : admitted;
    if (!verdict.ok) return failureResponse(verdict.failure);
    // Revoked while it was being admitted.
    if (cuts !== this.#cuts) return failureResponse(fail('permission_denied'));
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    server.accept();
    this.#start(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  #start(socket: WebSocket): void {
    const end = new End(() => (session.heardAt = this.clock.now()));
    const bridge = newWebSocketRpcSession<RpcTarget & JobServer>(socket, end);
    const session: Session = { bridge, socket, heardAt: this.clock.now(), running: 0 };
    bridge.onRpcBroken(() => this.#forget(session));
    this.#sessions.add(session);
    this.#closeReplaced();
    this.#watch ??= setInterval(() => this.dropSilent(), BeatEveryMs);
  }

  #forget(session: Session): void {
    this.#sessions.remove(session);
    if (this.#sessions.newest) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #closeReplaced(): void {
    for (const session of this.#sessions.idleOld()) this.#drop(session, 'replaced');
  }

  #drop(session: Session, reason: keyof typeof TunnelClose): void {
    this.#forget(session);
    try {
      session.socket.close(TunnelClose[reason], reason);
    } catch {
      // It has gone already.
    }
    // A dead peer never confirms the close: what waits for it ends here.
    session.bridge[Symbol.dispose]();
  }

  async #forward(request: Request): Promise<Response> {
    const session = this.#sessions.newest;
    if (!session) return failureResponse(fail('node_unavailable', undefined, { retryAfterMs: 500 }), NotBegunHeader);
    const call = String(this.#calls++);
    const release = this.#hold(session);
    const cancel = () => void Promise.resolve(session.bridge.cancel(call)).catch(() => {});
    request.signal.addEventListener('abort', cancel);
    try {
      const body = toTunnelBody(await request.text());
      const { pathname } = new URL(request.url);
      const answer = await session.bridge.serve({ call, path: pathname, headers: pick(request.headers), body });
      return await this.#answer(answer, cancel, release);
    } catch {
      release();
      return failureResponse(fail('node_unavailable'), UnreachedHeader);
    }
  }

  /** Counts a call as running until the function that is returned is called. */
  #hold(session: Session): () => void {
    session.running++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      session.running--;
      this.#closeReplaced();
    };
  }

  async #answer(answer: TunnelAnswer, cancel: () => void, release: () => void): Promise<Response> {
    const headers = pickAnswered(answer.headers);
    if (!headers['content-type']?.startsWith('text/event-stream')) {
      const text = await readTunnelBody(answer.body, MaxAnswerLength).catch(() => undefined);
      release();
      return text === undefined
        ? failureResponse(fail('upstream_cut'))
        : new Response(text, { status: answer.status, headers });
    }
    const { readable, writable } = new IdentityTransformStream();
    this.ctx.waitUntil(pump(answer.body, writable, cancel).finally(release));
    return new Response(readable, { status: answer.status, headers });
  }
}

/** What the bridge may call. */
class End extends RpcTarget {
  readonly #onBeat: () => void;

  constructor(onBeat: () => void) {
    super();
    this.#onBeat = onBeat;
  }

  beat(): void {
    this.#onBeat();
  }
}

async function pump(body: TunnelBody, to: WritableStream<Uint8Array>, cancel: () => void): Promise<void> {
  const writer = to.getWriter();
  try {
    const pieces = typeof body === 'string' ? [body] : (body as unknown as AsyncIterable<string>);
    for await (const piece of pieces) await writer.write(encoder.encode(piece));
    await writer.close();
  } catch {
    cancel();
    await writer
      .write(cutFrames)
      .then(() => writer.close())
      .catch(() => {
        // The reader has left: there is nobody to tell.
      });
  }
}

function pick(headers: Headers): Record<string, string> {
  return Object.fromEntries(forwardedHeaders.flatMap((name) => toEntry(name, headers.get(name))));
}

function pickAnswered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(answeredHeaders.flatMap((name) => toEntry(name, headers[name])));
}

function toEntry(name: string, value: string | null | undefined): [string, string][] {
  return typeof value === 'string' ? [[name, value]] : [];
}

function failureResponse(failure: Failure, mark?: string): Response {
  return Response.json(
    { error: toErrorObject(failure) },
    {
      status: failureKinds[failure.code].status,
      headers: {
        ...(mark === undefined ? {} : { [mark]: '1' }),
        ...(failure.retryAfterMs === undefined ? {} : { 'retry-after-ms': String(failure.retryAfterMs) }),
      },
    },
  );
}
