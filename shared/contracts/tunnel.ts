/**
 * What is said through a tunnel: Cap'n Web calls, the platform's to the bridge (`JobServer`) and the bridge's heartbeat to
 * the platform (`TunnelEnd`). A job is the same request that plain HTTP carries, with the same token in the same header.
 * A body is a string, or a stream of strings where it is long or not finished yet.
 */
export type TunnelBody = string | ReadableStream<string>;

export type TunnelRequest = {
  /** Names the call, for `cancel`. */
  readonly call: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: TunnelBody;
};

export type TunnelAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: TunnelBody;
};

/** The bridge's end. */
export type JobServer = {
  serve(request: TunnelRequest): Promise<TunnelAnswer>;
  /** The caller has left: the call's work ends now. */
  cancel(call: string): void;
};

/** The platform's end. */
export type TunnelEnd = {
  /** Says that the bridge lives; the answer says that the platform does. */
  beat(): void;
};

/** Longer texts travel as streams, in pieces of this size, so that one does not hold up all others. */
export const MaxPieceLength = 128 * 1024;

/** A beat that long overdue means that the other end is gone. */
export const BeatEveryMs = 5_000;
export const DeadAfterMs = 15_000;

/** How the edge hands a verified tunnel token to the tunnel's end: its id, and until when it must not be used again. */
export const TunnelTokenHeader = 'x-freehold-tunnel-token';
export const TunnelUntilHeader = 'x-freehold-tunnel-until';

/** Why the platform closed a tunnel: WebSocket close codes. */
export const TunnelClose = { replaced: 4_001, revoked: 4_003, silent: 4_008 } as const;

export function toTunnelBody(text: string): TunnelBody {
  if (text.length <= MaxPieceLength) return text;
  let at = 0;
  return new ReadableStream<string>({
    pull(controller) {
      const end = findCut(text, at + MaxPieceLength);
      controller.enqueue(text.slice(at, end));
      at = end;
      if (at >= text.length) controller.close();
    },
  });
}

/** Never between the halves of a surrogate pair: every piece is a text of its own. */
function findCut(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  return at < text.length && before >= 0xd800 && before < 0xdc00 ? at - 1 : at;
}

/** Undefined where the text is longer than `maxLength`; what is over it is never kept. */
export async function readTunnelBody(body: TunnelBody, maxLength: number): Promise<string | undefined> {
  if (typeof body === 'string') return body.length > maxLength ? undefined : body;
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of body as unknown as AsyncIterable<string>) {
    length += piece.length;
    if (length > maxLength) return undefined;
    pieces.push(piece);
  }
  return pieces.join('');
}
