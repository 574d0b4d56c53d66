/**
 * Asks one node after the other until one begins to answer. Only a node that was not reached, or was too busy, is
 * followed by another: anything later could make the same job run twice.
 */
import { countsTokens } from '../shared/contracts/inference.ts';
import { toUnixSeconds } from '../shared/core/clock.ts';
import { fail, type Failure } from '../shared/core/failure.ts';
import { describeError } from '../shared/core/log.ts';
import { ok, type Result } from '../shared/core/result.ts';
import { countInput } from './count-input.ts';
import { nestTrace } from '../shared/core/trace.ts';
import type { JobRun } from './job-run.ts';
import type { JsonObject } from './json-object.ts';
import type { AttemptHealth, NodeAttempt } from './node-pool.ts';
import {
  NodeError,
  type ForwardedAnswer,
  type ForwardedOperation,
  type NodeCall,
  type SpokenAnswer,
  type TextAnswer,
} from './nodes/node.ts';
import { streamHeaders } from './send-failure.ts';

export type NodeAnswer =
  | { readonly operation: 'chat' | 'completions'; readonly value: TextAnswer }
  | { readonly operation: 'embeddings'; readonly value: unknown }
  | { readonly operation: 'speech'; readonly value: SpokenAnswer }
  | { readonly operation: ForwardedOperation; readonly value: ForwardedAnswer };

/** Characters, or milliseconds of audio, that give a node about as much to do as a token does. */
const UnitsPerToken = 10;

export type Attempt = NodeAttempt & {
  readonly answer: NodeAnswer;
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
  const input = countInput(operation, body);
  const size = {
    tenant: claims.tenant,
    lane: claims.lane ?? 'standard',
    tokens: countsTokens(operation) ? input + claims.max_output_tokens : Math.ceil(input / UnitsPerToken),
    stopped: run.stopped,
  };
  const affinity = claims.affinity === undefined ? undefined : `${claims.tenant} ${claims.affinity}`;
  const ask = {
    operation,
    model: claims.model,
    allowExternal: claims.allow_external,
    node: claims.node,
    affinity,
    tried,
  };
  for (;;) {
    const given = await pool.acquire(ask, size);
    if (!given.ok) return { ok: false, failure: run.stopReason?.failure ?? last ?? given.failure };
    const attempt = given.value;
    const { node } = attempt;
    tried.add(node.name);
    last = node.findUnsupported(operation, body) ?? undefined;
    if (last) {
      attempt.end('neutral');
      continue;
    }
    try {
      run.meter.served(node, input, attempt.gpuMs);
      return ok({ ...attempt, answer: await askNode(run, attempt, body) });
    } catch (thrown) {
      if (run.stopped.aborted) {
        attempt.end(run.stopReason?.blamesNode ? 'bad' : 'neutral');
        return { ok: false, failure: run.stopReason?.failure ?? fail('service_unavailable') };
      }
      const error = toNodeErrorOf(thrown);
      attempt.end(healthAfter(error));
      log.error('job.attempt_failed', { run: claims.jti, node: node.name, error: error.message });
      last = error.failure;
      if (error.kind !== 'cut' && error.kind !== 'invalid') run.meter.notServed();
      if (error.kind !== 'unreachable' && error.kind !== 'busy') return { ok: false, failure: last };
    }
  }
}

async function askNode(run: JobRun, { node, embedder }: NodeAttempt, body: JsonObject): Promise<NodeAnswer> {
  const { claims, operation, traceparent } = run.job;
  const call: NodeCall = {
    signal: run.stopped,
    run: claims.jti,
    created: toUnixSeconds(run.startedAt),
    ...(traceparent === undefined ? {} : { traceparent: nestTrace(traceparent, claims.jti) }),
  };
  switch (operation) {
    case 'chat':
      return { operation, value: await node.chat(body, call) };
    case 'completions':
      if (node.complete) return { operation, value: await node.complete(body, call) };
      break;
    case 'embeddings':
      return { operation, value: await embedder.embed(body, call) };
    case 'speech':
      if (node.speak) return { operation, value: await node.speak(body, call) };
      break;
    default:
      if (node.forward) return { operation, value: await node.forward(operation, body, call) };
  }
  throw new NodeError('rejected', fail('unsupported_parameter', `This node does not serve ${operation}.`));
}

function toNodeErrorOf(error: unknown): NodeError {
  if (error instanceof NodeError) return error;
  return new NodeError('invalid', fail('upstream_invalid', undefined, { reason: describeError(error) }));
}

export function healthAfter(error: NodeError): AttemptHealth {
  return error.kind === 'rejected' || error.kind === 'busy' ? 'neutral' : 'bad';
}
