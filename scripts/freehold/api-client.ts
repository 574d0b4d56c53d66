/**
 * Calls the API of a tenant or of the platform at its address. Names under `localhost` are this machine's, whether its
 * system resolves them or not.
 */
import { Agent, request } from 'undici';

export type ApiClient = <T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) => Promise<T>;

const local = new Agent({
  connect: { lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
});

/** What is no good answer throws with what the platform said, and none at all with where none came from. */
export function apiClient(url: string, key: string): ApiClient {
  const { origin, hostname } = new URL(url);
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await request(`${origin}${path}`, {
      method: method as 'GET',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(hostname.endsWith('.localhost') ? { dispatcher: local } : {}),
    }).catch((error: Error) => {
      throw new Error(`${origin} does not answer (${error.message}). Is Freehold running there?`);
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${messageOf(text)}`);
    return JSON.parse(text) as T;
  };
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    return text.slice(0, 200);
  }
}
