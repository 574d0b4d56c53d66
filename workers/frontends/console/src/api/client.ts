/** Requests to this host with the session's credential. What an operation takes and answers, `operations.ts` says. */
import { SignInEnded, sessions } from '../session.ts';
import { ApiError, toApiError } from './api-error.ts';
import type { AnswerOf, BodyOf, Operation, ParamsOf } from './operations.ts';

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type CallInput<K extends Operation> = {
  readonly query?: Query;
  readonly signal?: AbortSignal | undefined;
} & ParamsOf<K> &
  BodyOf<K>;
export type AnyInput = {
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  readonly query?: Query;
  readonly signal?: AbortSignal | undefined;
};
/** What must be given is not optional; an operation that needs nothing can be called without. */
type Args<K extends Operation> = object extends CallInput<K> ? [input?: CallInput<K>] : [input: CallInput<K>];

export async function call<K extends Operation>(operation: K, ...[input]: Args<K>): Promise<AnswerOf<K>> {
  const answer = await send(operation, input);
  return (await answer.json()) as AnswerOf<K>;
}

/** The answer as it comes: a file, or a stream where `accept` asks for one. */
export function send<K extends Operation>(
  operation: K,
  input: AnyInput = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const [method, template] = operation.split(' ') as [string, string];
  return request(method, fillPath(template, input.params ?? {}) + toSearch(input.query ?? {}), input, headers);
}

function fillPath(template: string, params: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

function toSearch(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

async function request(
  method: string,
  path: string,
  { body, signal }: AnyInput,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const session = sessions.current;
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        ...(session && { authorization: `Bearer ${session.credential}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('The platform cannot be reached. Check the connection; what you see may be old.');
  }
  if (answer.ok) return answer;
  const failure = await toApiError(answer);
  // Only the session that was sent may be ended by it.
  if (failure.status === 401 && session !== undefined && sessions.current === session) {
    sessions.end(session.endsAt === undefined ? failure.message : SignInEnded);
  }
  throw failure;
}
