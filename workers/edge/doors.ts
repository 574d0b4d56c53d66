/**
 * The objects of one tenant, as handlers call them: an object that does not answer is `service_unavailable`, and what it
 * answers as a Result is that Result.
 */
import type { Result } from '../../shared/core/result.ts';
import { reached, type Objects } from '../../durable-objects/stubs.ts';

type Answer<R> =
  Awaited<R> extends { readonly ok: boolean } ? Extract<Awaited<R>, Result<unknown>> : Result<Awaited<R>>;

/** Every method of a stub, its outage turned into a Result. */
export type Door<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Answer<R>> : never;
};

export type TenantDoor = Door<ReturnType<Objects['tenant']>>;
export type AgentDoor = Door<ReturnType<Objects['agent']>>;
export type ConversationDoor = Door<ReturnType<Objects['conversation']>>;
export type NodePoolDoor = Door<ReturnType<Objects['nodePool']>>;

export function door<T extends object>(stub: T): Door<T> {
  return new Proxy(stub, {
    get:
      (target, method: string) =>
      async (...args: unknown[]) => {
        const methods = target as Record<string, (...args: unknown[]) => Promise<unknown>>;
        const answer = await reached(methods[method]!(...args));
        return answer.ok && isResult(answer.value) ? answer.value : answer;
      },
  }) as unknown as Door<T>;
}

function isResult(value: unknown): value is Result<unknown> {
  return typeof value === 'object' && value !== null && 'ok' in value && typeof value.ok === 'boolean';
}
