/** What a handler gives back: a JSON value with its status, or a response that is ready to go. */
import { err, ok, type Result } from '../../shared/core/result.ts';

export type ReplyHeaders = Readonly<Record<string, string>>;
export type Reply =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: ReplyHeaders;
      readonly bytesCountedBy?: BytesCountedBy;
    }
  | { readonly kind: 'raw'; readonly response: Response; readonly bytesCountedBy: BytesCountedBy };

/** Who counts how long an answer is: the edge as it leaves, or the bridge that makes it, in its receipt. */
export type BytesCountedBy = 'edge' | 'bridge';

export function json(body: unknown, status = 200, headers: ReplyHeaders = {}): Reply {
  return { kind: 'json', status, body, headers };
}

export function raw(response: Response, bytesCountedBy: BytesCountedBy = 'edge'): Reply {
  return { kind: 'raw', response, bytesCountedBy };
}

export function eventStream(body: ReadableStream<Uint8Array>): Reply {
  return raw(
    new Response(body, {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      },
    }),
  );
}

/** The reply with its JSON in hand, so that it can be kept. A stream of events stays as it is. */
export async function readJsonReply(reply: Reply): Promise<Result<Reply>> {
  if (reply.kind === 'json' || !reply.response.headers.get('content-type')?.startsWith('application/json')) {
    return ok(reply);
  }
  try {
    const { response, bytesCountedBy } = reply;
    return ok({ ...json(await response.json(), response.status), bytesCountedBy });
  } catch (error) {
    return err('upstream_cut', undefined, { reason: String(error) });
  }
}
