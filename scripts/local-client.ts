/**
 * Calls the platform on this machine by its address, with the Host of whom it means: not every system resolves
 * names under `localhost`.
 */
import { request } from 'undici';

export type LocalAnswer = { readonly status: number; readonly body: unknown };

export class LocalClient {
  readonly #port: number;
  readonly #host: string;
  readonly #token: string;

  constructor(port: number, host: string, token: string) {
    this.#port = port;
    this.#host = host;
    this.#token = token;
  }

  async call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    idempotencyKey?: string,
  ): Promise<LocalAnswer> {
    const answer = await request(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      headers: {
        host: `${this.#host}:${this.#port}`,
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, body: await answer.body.json() };
  }

  /** The body of a good answer; anything else throws with what the platform said. */
  async require<T>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    idempotencyKey?: string,
  ): Promise<T> {
    const answer = await this.call(method, path, body, idempotencyKey);
    if (answer.status >= 300)
      throw new Error(`${method} ${path} on ${this.#host}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
}
