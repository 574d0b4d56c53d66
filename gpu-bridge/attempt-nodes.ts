/**
 * Asks one node after the other until one begins to answer. Only a node that was not reached, or was too busy, is
 * followed by another: anything later could make the same job run twice.
 */
import { toUnixSeconds } from '../shared/core/clock.ts';
import { fail, type Failure } from '../shared/core/failure.ts';
import { describeError } from '../shared/core/log.ts';
import { ok, type Result } from '../shared/core/result.ts';
import type { JobRun } from './job-run.ts';
import type { JsonObject } from './json-object.ts';
import type { AttemptHealth } from './node-pool.ts';
import { NodeError, type ChatAnswer, type InferenceNode, type NodeCall } from './nodes/node.ts';
import { streamHeaders } from './send-failure.ts';

export type NodeAnswer =
  | { readonly operation: 'chat'; readonly value: ChatAnswer }
  | { readonly operation: 'embeddings'; readonly value: unknown };

export type Attempt = {
  readonly node: InferenceNode;
  readonly answer: NodeAnswer;
  /** Tells the pool how the attempt ended. */
  readonly end: (health: AttemptHealth) => void;
};

export async function attemptNodes(run: JobRun, body: JsonObject, stream: boolean): Promise<Result<Attempt>> {
  const { claims } = run.job;
  const commit = stream
    ? setTimeout(() => run.sink.startStream(streamHeaders(claims.jti)), run.deps.limits.commitAfterMs)
    : undefined;
  try {
    return await tryEach(run, body);
  } finally {
    clearTimeout(commit);
  }
}

async function tryEach(run: JobRun, body: JsonObject): Promise<Result<Attempt>> {
  const { claims, operation } = run.job;
  const { pool, log } = run.deps;
  const tried = new Set<string>();
  let last: Failure | undefined;
  for (;;) {
    const chosen = pool.choose({ operation, model: claims.model, allowExternal: claims.allow_external, tried });
    if (!chosen.ok) return { ok: false, failure: last ?? chosen.failure };
    const { node } = chosen.value;
    tried.add(node.name);
    last = node.findUnsupported(operation, body) ?? undefined;
    if (last) continue;
    const end = pool.begin(chosen.value);
    try {
      run.meter.served(node, body);
      return ok({ node, end, answer: await askNode(run, node, body) });
    } catch (thrown) {
      if (run.stopped.aborted) {
        end(run.stopReason?.blamesNode ? 'bad' : 'neutral');
        return { ok: false, failure: run.stopReason?.failure ?? fail('service_unavailable') };
      }
      const error = toNodeErrorOf(thrown);
      end(healthAfter(error));
      log.error('job.attempt_failed', { run: claims.jti, node: node.name, error: error.message });
      last = error.failure;
      if (error.kind !== 'cut' && error.kind !== 'invalid') run.meter.notServed();
      if (error.kind !== 'unreachable' && error.kind !== 'busy') return { ok: false, failure: last };
    }
  }
}

async function askNode(run: JobRun, node: InferenceNode, body: JsonObject): Promise<NodeAnswer> {
  const { claims, operation, traceparent } = run.job;
  const call: NodeCall = {
    signal: run.stopped,
    run: claims.jti,
    created: toUnixSeconds(run.startedAt),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  return operation === 'chat'
    ? { operation, value: await node.chat(body, call) }
    : { operation, value: await node.embed(body, call) };
}

function toNodeErrorOf(error: unknown): NodeError {
  if (error instanceof NodeError) return error;
  return new NodeError('invalid', fail('upstream_invalid', undefined, { reason: describeError(error) }));
}

export function healthAfter(error: NodeError): AttemptHealth {
  return error.kind === 'rejected' || error.kind === 'busy' ? 'neutral' : 'bad';
}
