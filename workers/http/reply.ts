/** What a handler gives back: a JSON value with its status, or a response that is ready to go. */
export type Reply = { readonly kind: 'json'; readonly status: number; readonly body: unknown } | { readonly kind: 'raw'; readonly response: Response };

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
