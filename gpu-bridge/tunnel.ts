/**
 * The bridge's end of the tunnel: dials the platform, serves the jobs that come through, and dials again when the
 * connection breaks. When it breaks, every job in it has lost its caller and ends as if that had left.
 */
import { randomUUID } from 'node:crypto';
import { newWebSocketRpcSession, RpcTarget, type RpcStub } from 'capnweb';
import { Agent, WebSocket, type Dispatcher } from 'undici';
import { z } from 'zod';
import { toUnixSeconds, type Clock } from '../shared/core/clock.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import { err, ok } from '../shared/core/result.ts';
import { TokenTypes } from '../shared/contracts/inference.ts';
import { readTunnelBody, TunnelClose, type TunnelAnswer, type TunnelEnd } from '../shared/contracts/tunnel.ts';
import { parseJson } from './json-object.ts';
import type { PlatformClient } from './platform-client.ts';
import type { Handle, LightRequest } from './server.ts';
import { TunnelSink } from './tunnel-sink.ts';
import {
  beaten,
  broken,
  connecting,
  decideStep,
  heard,
  opened,
  startTunnel,
  type TunnelState,
} from './tunnel-state.ts';

const TokenLifeSeconds = 60;
const TickMs = 250;

export type TunnelOptions = {
  readonly platformUrl: string;
  readonly platform: PlatformClient;
  readonly bridgeId: string;
  readonly handle: Handle;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly maxBodyBytes: number;
  readonly keepAliveMs: number;
  /** Called when the tunnel has opened or broken. */
  readonly onChange: () => void;
};

/** Without the offer to compress: that costs both ends a fifth of their time, for texts that are short. */
const dialler = new Agent().compose((dispatch) => (options, handler) => {
  const { 'sec-websocket-extensions': _, ...headers } = options.headers as Record<string, string>;
  return dispatch({ ...options, headers } as Dispatcher.DispatchOptions, handler);
});

type Session = {
  readonly socket: WebSocket;
  readonly end: RpcStub<RpcTarget & TunnelEnd>;
  readonly jobs: JobTarget;
  isOpen: boolean;
};

export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #url: string;
  readonly #audience: string;
  #state: TunnelState;
  /** The newest; older ones live on until the platform lets them go. */
  #session: Session | undefined;
  readonly #sessions = new Set<Session>();
  #timer: NodeJS.Timeout | undefined;
  #renewing = false;
  #closed = false;

  constructor(options: TunnelOptions) {
    this.#options = options;
    const url = new URL('/bridge/tunnel', options.platformUrl);
    this.#audience = url.hostname;
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#url = url.href;
    this.#state = startTunnel(options.clock.now());
  }

  /**
   * Jobs can come. So they can while an open tunnel is renewed: the platform lets the old session go as soon as it has the
   * new one, and which of both is heard of first here is chance.
   */
  get isOpen(): boolean {
    return this.#renewing || [...this.#sessions].some((session) => session.isOpen);
  }

  start(): void {
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), TickMs);
  }

  /** Opens another connection with the present key; the platform lets the old one end when its calls are over. */
  renew(): void {
    if (this.#closed || this.#state.kind !== 'open') return;
    this.#renewing = true;
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const { end } of this.#sessions) end[Symbol.dispose]();
  }

  #tick(): void {
    const { clock } = this.#options;
    const step = decideStep(this.#state, clock.now());
    if (step === 'connect') void this.#connect();
    else if (step === 'beat') this.#beat();
    else if (step === 'give up') this.#giveUp();
  }

  async #connect(): Promise<void> {
    const { clock, platform, bridgeId, log } = this.#options;
    this.#state = connecting(this.#state, clock.now());
    const iat = toUnixSeconds(clock.now());
    const claims = { iss: bridgeId, aud: this.#audience, jti: randomUUID(), iat, exp: iat + TokenLifeSeconds };
    const token = await platform.sign(TokenTypes.tunnel, claims);
    if (this.#closed) return;
    const socket = new WebSocket(this.#url, { dispatcher: dialler, headers: { authorization: `Bearer ${token}` } });
    const jobs = new JobTarget(this.#options);
    const end = newWebSocketRpcSession<RpcTarget & TunnelEnd>(socket as unknown as globalThis.WebSocket, jobs);
    const session: Session = { socket, end, jobs, isOpen: false };
    this.#session = session;
    this.#sessions.add(session);
    socket.addEventListener('open', () => {
      if (!this.#sessions.has(session)) return;
      session.isOpen = true;
      if (this.#session !== session) return;
      this.#renewing = false;
      this.#state = opened(this.#state, clock.now());
      log.info('tunnel.open');
      this.#options.onChange();
    });
    socket.addEventListener('close', ({ code }) => this.#noteClose(session, code));
    end.onRpcBroken((error: unknown) => this.#onBroken(session, error));
  }

  #beat(): void {
    const { clock } = this.#options;
    this.#state = beaten(this.#state, clock.now());
    this.#session?.end.beat().then(
      () => (this.#state = heard(this.#state, clock.now())),
      () => {
        // A broken session is noticed as such.
      },
    );
  }

  #giveUp(): void {
    const session = this.#session;
    if (!session) return;
    this.#onBroken(session, new Error('no answer from the platform'));
    session.end[Symbol.dispose]();
  }

  #noteClose(session: Session, code: number): void {
    if (this.#session !== session || this.#closed) return;
    if (code === TunnelClose.replaced) {
      this.#options.log.error('tunnel.replaced', { reason: "another process has opened this bridge's tunnel" });
    } else if (code === TunnelClose.revoked) {
      this.#options.log.error('tunnel.revoked', { reason: 'the operator has revoked this bridge' });
    }
  }

  #onBroken(session: Session, error: unknown): void {
    session.jobs.leaveAll();
    const wasOpen = this.isOpen;
    if (!this.#sessions.delete(session) || this.#closed) return;
    if (this.#session === session) this.#dialAgain(error);
    if (wasOpen && !this.isOpen) this.#options.onChange();
  }

  #dialAgain(error: unknown): void {
    const { clock, random, log } = this.#options;
    const { kind } = this.#state;
    if (kind !== 'waiting')
      log.error(kind === 'open' ? 'tunnel.broken' : 'tunnel.failed', { error: describeError(error) });
    this.#session = undefined;
    this.#renewing = false;
    this.#state = broken(this.#state, clock.now(), random);
  }
}

const tunnelRequest = z.object({
  call: z.string().max(64),
  path: z.string().startsWith('/').max(200),
  headers: z.record(z.string(), z.string()),
  body: z.union([z.string(), z.instanceof(ReadableStream)]),
});

/** What the platform may call: the same jobs as over HTTP, under the same tokens. */
class JobTarget extends RpcTarget {
  readonly #options: Pick<TunnelOptions, 'handle' | 'maxBodyBytes' | 'keepAliveMs'>;
  readonly #calls = new Map<string, TunnelSink>();

  constructor(options: Pick<TunnelOptions, 'handle' | 'maxBodyBytes' | 'keepAliveMs'>) {
    super();
    this.#options = options;
  }

  serve(asked: unknown): Promise<TunnelAnswer> {
    const { call, path, headers, body } = tunnelRequest.parse(asked);
    const { handle, maxBodyBytes, keepAliveMs } = this.#options;
    const sink = new TunnelSink(keepAliveMs);
    this.#calls.set(call, sink);
    const request: LightRequest = {
      method: 'POST',
      url: `http://bridge${path}`,
      headers,
      body: async () => {
        const text = await readTunnelBody(body as string | ReadableStream<string>, maxBodyBytes).catch(() => null);
        if (text === null) return err('invalid_request', 'The body ended before it was whole.');
        if (text === undefined) return err('payload_too_large', `The body is larger than ${maxBodyBytes} bytes.`);
        const parsed = parseJson(text);
        return parsed ? ok(parsed.value) : err('invalid_json');
      },
    };
    void handle(request, sink).finally(() => this.#calls.delete(call));
    return sink.answer;
  }

  cancel(call: string): void {
    this.#calls.get(call)?.leave();
  }

  /** Not to be called from the other end: it is no method of the prototype. */
  readonly leaveAll = (): void => {
    for (const sink of this.#calls.values()) sink.leave();
  };
}
