/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** A pool of its own and the tunnel of one bridge inside workerd, with a bridge that a test plays by hand. */
import { env } from 'cloudflare:workers';
import { newWebSocketRpcSession, RpcTarget, type RpcStub } from 'capnweb';
import type { BridgeTunnelObject } from '../../durable-objects/bridge-tunnel/bridge-tunnel-object.ts';
import type { NodePoolObject } from '../../durable-objects/node-pool/node-pool-object.ts';
import { createEnrolment, type CreateEnrolment, type EnrolRequest } from '../../shared/contracts/bridges.ts';
import {
  TunnelTokenHeader,
  TunnelUntilHeader,
  type TunnelAnswer,
  type TunnelEnd,
  type TunnelRequest,
} from '../../shared/contracts/tunnel.ts';
import { mintId, type BridgeId } from '../../shared/core/ids.ts';
import { bridgeTunnelObjectName, nodePoolObjectName } from '../../shared/tenancy/object-name.ts';
import { must } from './tenant-env.ts';

const bindings = env as unknown as {
  readonly NODE_POOL: DurableObjectNamespace<NodePoolObject>;
  readonly BRIDGE_TUNNEL: DurableObjectNamespace<BridgeTunnelObject>;
};

/** The pool that the tunnels ask. */
export const pool = () => bindings.NODE_POOL.getByName(nodePoolObjectName('default'));
export const newPool = (name: string) => bindings.NODE_POOL.getByName(nodePoolObjectName(name));
export const tunnelOf = (bridge: BridgeId) => bindings.BRIDGE_TUNNEL.getByName(bridgeTunnelObjectName(bridge));

export const keyOf = (letter: string) => ({ kty: 'OKP' as const, crv: 'Ed25519' as const, x: letter.repeat(43) });
export const enrolRequest = (partial: Partial<EnrolRequest> = {}): EnrolRequest => ({
  iss: mintId('bridge', 1),
  iat: 0,
  token: '',
  public_key: keyOf('A'),
  url: null,
  ...partial,
});
export const terms = (partial: Partial<CreateEnrolment> = {}): CreateEnrolment => ({
  ...createEnrolment.parse({ name: 'gpu' }),
  ...partial,
});

export async function enrolBridge(): Promise<BridgeId> {
  const made = must(await pool().createEnrolment(terms()));
  const request = enrolRequest();
  must(await pool().enrol(made.id, request));
  return request.iss;
}

/** A bridge's end whose answers the test gives. */
export class PlayedBridge extends RpcTarget {
  readonly #serve: (request: TunnelRequest) => Promise<TunnelAnswer> | TunnelAnswer;
  readonly #cancelled = Promise.withResolvers<string>();
  /** The first call that was cancelled. */
  readonly cancelled = this.#cancelled.promise;

  constructor(serve: (request: TunnelRequest) => Promise<TunnelAnswer> | TunnelAnswer) {
    super();
    this.#serve = serve;
  }

  serve(request: TunnelRequest): Promise<TunnelAnswer> | TunnelAnswer {
    return this.#serve(request);
  }

  cancel(call: string): void {
    this.#cancelled.resolve(call);
  }
}

export type DialledTunnel = {
  readonly socket: WebSocket;
  readonly end: RpcStub<RpcTarget & TunnelEnd>;
  /** Code of the close frame. */
  readonly closed: Promise<number>;
};

export async function dial(
  bridge: BridgeId,
  played: PlayedBridge,
  token = crypto.randomUUID(),
): Promise<DialledTunnel> {
  const answer = await requestTunnel(bridge, token);
  const socket = answer.webSocket;
  if (!socket) throw new Error(`no tunnel: ${answer.status} ${await answer.text()}`);
  socket.accept();
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  return { socket, end: newWebSocketRpcSession<RpcTarget & TunnelEnd>(socket, played), closed };
}

export function requestTunnel(bridge: BridgeId, token: string): Promise<Response> {
  return tunnelOf(bridge).fetch('http://tunnel/', {
    headers: { upgrade: 'websocket', [TunnelTokenHeader]: token, [TunnelUntilHeader]: String(Date.now() + 60_000) },
  });
}
