/** Texts of memories embedded by a node, behind whoever waits for an answer. */
import { embedByModel } from '../../shared/inference/embed-by-model.ts';
import type { NodeWays } from '../../shared/inference/run-on-node.ts';
import { mintId } from '../../shared/core/ids.ts';
import { continueTrace } from '../../shared/core/trace.ts';
import type { EmbedTexts } from './memory-spaces.ts';

const TimeoutMs = 60_000;

export function embedTexts(ways: NodeWays): EmbedTexts {
  return (principal, agentId, model, texts, wanted) => {
    const requestId = mintId('request', ways.clock.now());
    const caller = { principal, agentId, requestId, traceparent: continueTrace(null), timeoutMs: TimeoutMs } as const;
    return embedByModel(ways, { ...caller, lane: 'batch' }, model, texts, wanted);
  };
}
