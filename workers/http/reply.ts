/** What a handler gives back: a JSON value with its status, or a response that is ready to go. */
import { err, ok, type Result } from '../../shared/core/result.ts';

export type Reply =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'raw'; readonly response: Response };

export function json(body: unknown, status = 200): Reply {
  return { kind: 'json', status, body };
}

export function raw(response: Response): Reply {
  return { kind: 'raw', response };
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
    return ok(json(await reply.response.json(), reply.response.status));
  } catch (error) {
    return err('upstream_cut', undefined, { reason: String(error) });
  }
}
