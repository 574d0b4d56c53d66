/**
 * The objects of one tenant, as handlers call them: an object that does not answer is `service_unavailable`, and what it
 * answers as a Result is that Result.
 */
import type { Result } from '../../shared/core/result.ts';
import { reached, type Objects } from '../../durable-objects/stubs.ts';

type Answer<R> =
  Awaited<R> extends { readonly ok: boolean } ? Extract<Awaited<R>, Result<unknown>> : Result<Awaited<R>>;

/** Every method of a stub and of its desks, their outage turned into a Result. */
export type Door<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Answer<R>> : Door<T[K]>;
};

export type TenantDoor = Door<ReturnType<Objects['tenant']>>;
export type AgentDoor = Door<ReturnType<Objects['agent']>>;
export type ConversationDoor = Door<ReturnType<Objects['conversation']>>;
export type WebhookEndpointDoor = Door<ReturnType<Objects['webhookEndpoint']>>;
export type NodePoolDoor = Door<ReturnType<Objects['nodePool']>>;

type Call = (...args: unknown[]) => Promise<unknown>;

export function door<T extends object>(stub: T): Door<T> {
  return new Proxy(stub, {
    get: (target, name: string) => opened(target as Record<string, Call>, name),
  }) as unknown as Door<T>;
}

/** A method, or a desk with methods of its own: over RPC both are a property, and only the use of it tells. */
function opened(target: Record<string, Call>, name: string): unknown {
  const call = async (...args: unknown[]) => {
    const answer = await reached(target[name]!(...args));
    return answer.ok && isResult(answer.value) ? answer.value : answer;
  };
  return new Proxy(call, {
    get: (_, method: string) => opened(target[name] as unknown as Record<string, Call>, method),
  });
}

function isResult(value: unknown): value is Result<unknown> {
  return typeof value === 'object' && value !== null && 'ok' in value && typeof value.ok === 'boolean';
}
