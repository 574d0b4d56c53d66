/**
 * The one way to URLs that tenants and strangers choose: webhooks, tools, issuers. Each hop is judged by the rules before
 * it is made; time and size are bounded while the answer comes in; what went wrong is one of a closed set. On one's own
 * workerd it goes through network services that judge the resolved address too; on Cloudflare, which reaches no private
 * address, these are not bound.
 */
import { err, ok, type Err, type Ok } from '../core/result.ts';
import { Allowlist } from './allowlist.ts';
import { judgeUrl } from './egress-rules.ts';

export type EgressPlatform = {
  readonly EGRESS?: Fetcher;
  readonly EGRESS_NAMED?: Fetcher;
  readonly EGRESS_ALLOW?: string;
};

export type EgressRequest = {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
};

export type EgressLimits = {
  /** For all of it: every hop, and the body to its end. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Without it none is followed: the answer is the 3xx itself. */
  readonly maxRedirects?: number;
  /** What is larger is a failure, or is cut. */
  readonly excess?: 'refuse' | 'truncate';
  readonly signal?: AbortSignal;
};

export type EgressAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly truncated: boolean;
  /** Of the last hop. */
  readonly url: string;
};

/** Its body comes as it is sent, within the same bounds: beyond them it breaks off with an error. */
export type EgressStream = Pick<EgressAnswer, 'status' | 'headers' | 'url'> & {
  readonly body: ReadableStream<Uint8Array> | null;
};

/**
 * `refused`: by the rules, nothing was sent. `unreachable`: the name does not resolve, the network service refuses its
 * address, or its certificate does not hold; the runtime tells its own log which. `lost`: refused or reset before an
 * answer. `cut`: after the answer had begun. `aborted`: by who asked.
 */
export type EgressFault =
  | 'refused'
  | 'unreachable'
  | 'lost'
  | 'timeout'
  | 'too_large'
  | 'cut'
  | 'too_many_redirects'
  | 'aborted';

/** A failed Result that says which fault it was, and the status where an answer had begun. */
export type EgressErr = Err & { readonly fault: EgressFault; readonly status?: number };

type Send = (url: string, init: RequestInit) => Promise<Response>;
/** What goes along to another origin; anything else may be a credential. */
const harmlessHeaders = ['accept', 'accept-language', 'content-type', 'user-agent'];

export class Egress {
  readonly #allowlist: Allowlist;
  readonly #send: Readonly<Record<'public' | 'named', Send>>;

  constructor(allowlist: Allowlist, services: { readonly public?: Fetcher; readonly named?: Fetcher } = {}) {
    this.#allowlist = allowlist;
    this.#send = { public: sendBy(services.public), named: sendBy(services.named) };
  }

  static of(platform: EgressPlatform): Egress {
    const allowlist = Allowlist.parse(platform.EGRESS_ALLOW ?? '');
    return new Egress(allowlist.ok ? allowlist.value : Allowlist.none, {
      ...(platform.EGRESS ? { public: platform.EGRESS } : {}),
      ...(platform.EGRESS_NAMED ? { named: platform.EGRESS_NAMED } : {}),
    });
  }

  /** What is wrong with a URL, to be told where it is registered; undefined where it may be asked. */
  findFault(url: string): string | undefined {
    const verdict = judgeUrl(url, this.#allowlist);
    return verdict.ok ? undefined : verdict.fault;
  }

  async fetch(request: EgressRequest, limits: EgressLimits): Promise<Ok<EgressAnswer> | EgressErr> {
    const { maxBytes, excess = 'refuse' } = limits;
    const reached = await this.#reach(request, limits);
    if (!reached.ok) return reached;
    const { answer, url, signal, faultOf } = reached.value;
    const { status, headers } = answer;
    const body = await readBody(answer, maxBytes, signal);
    if ('error' in body) return failed(faultOf(body.error, 'cut'), describe(body.error), status);
    if (body.truncated && excess === 'refuse') return failed('too_large', `more than ${maxBytes} bytes`, status);
    return ok({ status, headers, ...body, url });
  }

  /**
   * For answers that go on after what is waited for: time and size bound the body as well. Cancel it when it is not
   * wanted. `onBroken` is told when it did not come to its end.
   */
  async open(
    request: EgressRequest,
    limits: EgressLimits,
    onBroken: () => void,
  ): Promise<Ok<EgressStream> | EgressErr> {
    const unwanted = new AbortController();
    const signals = limits.signal ? [limits.signal, unwanted.signal] : [unwanted.signal];
    const reached = await this.#reach(request, { ...limits, signal: AbortSignal.any(signals) });
    if (!reached.ok) return reached;
    const { answer, url, signal } = reached.value;
    const { status, headers, body } = answer;
    const leave = () => unwanted.abort();
    return ok({ status, headers, url, body: body && boundBody(body, limits.maxBytes, signal, leave, onBroken) });
  }

  async #reach(request: EgressRequest, limits: EgressLimits): Promise<Ok<Reached> | EgressErr> {
    const { maxRedirects = 0, timeoutMs } = limits;
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = limits.signal ? AbortSignal.any([deadline, limits.signal]) : deadline;
    const faultOf = (error: unknown, other: EgressFault) =>
      deadline.aborted ? 'timeout' : signal.aborted ? 'aborted' : classify(error, other);
    let hop = request;
    for (let left = maxRedirects; ; left--) {
      const verdict = judgeUrl(hop.url, this.#allowlist);
      if (!verdict.ok) return failed('refused', `The URL ${verdict.fault}.`);
      let answer: Response;
      try {
        answer = await this.#send[verdict.way](verdict.url, { ...toInit(hop), signal });
      } catch (error) {
        return failed(faultOf(error, 'lost'), describe(error));
      }
      const next = maxRedirects > 0 ? nextHop(hop, verdict.url, answer) : undefined;
      if (!next) return ok({ answer, url: verdict.url, signal, faultOf });
      await answer.body?.cancel().catch(() => {});
      if (left === 0) return failed('too_many_redirects', `more than ${maxRedirects}`, answer.status);
      hop = next;
    }
  }
}

/** The last hop's answer, of which nothing is read yet. */
type Reached = {
  readonly answer: Response;
  readonly url: string;
  readonly signal: AbortSignal;
  readonly faultOf: (error: unknown, other: EgressFault) => EgressFault;
};

function sendBy(service: Fetcher | undefined): Send {
  return service
    ? (url, init) => service.fetch(url, init as never) as unknown as Promise<Response>
    : (url, init) => fetch(url, init);
}

function toInit({ method = 'GET', headers, body }: EgressRequest): RequestInit {
  return { method, redirect: 'manual', ...(headers ? { headers } : {}), ...(body === undefined ? {} : { body }) };
}

/** RFC 9110, 15.4: 303, and what everybody does at 301 and 302, make a POST a GET; 307 and 308 send it again. */
function nextHop(hop: EgressRequest, from: string, answer: Response): EgressRequest | undefined {
  const location = answer.headers.get('location');
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) return undefined;
  // One that is no URL is judged as it is, and refused.
  const url = URL.parse(location, from)?.href ?? location;
  const { method = 'GET', headers = {}, body } = hop;
  const becomesGet = answer.status === 303 ? method !== 'HEAD' : answer.status < 307 && method === 'POST';
  const stays = URL.parse(url)?.origin === new URL(from).origin;
  const kept = Object.entries(headers).filter(([name]) => {
    const lower = name.toLowerCase();
    return (stays || harmlessHeaders.includes(lower)) && !(becomesGet && lower === 'content-type');
  });
  return {
    url,
    method: becomesGet ? 'GET' : method,
    headers: Object.fromEntries(kept),
    ...(becomesGet || body === undefined ? {} : { body }),
  };
}

type ReadBody = { readonly body: Uint8Array<ArrayBuffer>; readonly truncated: boolean };

async function readBody(
  answer: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<ReadBody | { error: unknown }> {
  if (!answer.body) return { body: new Uint8Array(), truncated: false };
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of readParts(answer.body, signal)) {
      const rest = maxBytes - size;
      parts.push(part.subarray(0, rest));
      size += Math.min(part.byteLength, rest);
      if (part.byteLength > rest) return { body: join(parts, size), truncated: true };
    }
    return { body: join(parts, size), truncated: false };
  } catch (error) {
    return { error };
  }
}

function boundBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
  leave: () => void,
  onBroken: () => void,
): ReadableStream<Uint8Array> {
  const parts = readParts(body, signal);
  const end = () => {
    leave();
    void parts.return(undefined);
  };
  let size = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await parts.next();
        if (done) return controller.close();
        size += value.byteLength;
        if (size > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
        controller.enqueue(value);
      } catch (error) {
        end();
        controller.error(error);
        onBroken();
      }
    },
    cancel: end,
  });
}

async function* readParts(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  // A runtime whose stream does not mind the signal is held to it all the same.
  const over = new Promise<never>((_, reject) => {
    const end = () => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  over.catch(() => {});
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), over]);
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** workerd hides what kept it from connecting behind an "internal error" with a reference into its log. */
function classify(error: unknown, other: EgressFault): EgressFault {
  return other === 'lost' && error instanceof Error && error.message.startsWith('internal error')
    ? 'unreachable'
    : other;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function failed(fault: EgressFault, reason: string, status?: number): EgressErr {
  const failure =
    fault === 'refused'
      ? err('invalid_request', reason, { reason })
      : err('service_unavailable', 'The other server could not be asked. Try again later.', {
          reason: `${fault}: ${reason}`,
        });
  return { ...failure, fault, ...(status === undefined ? {} : { status }) };
}
