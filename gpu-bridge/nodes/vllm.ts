/**
 * vLLM. Asks for usage with every chunk, so that a run that is broken off is counted by the node too, and knows how
 * vLLM names the length of its context.
 */
import type { JsonObject } from '../json-object.ts';
import type { NodeKind } from './node.ts';
import { OpenAiCompatibleNode } from './openai-compatible.ts';

export class VllmNode extends OpenAiCompatibleNode {
  override readonly kind: NodeKind = 'vllm';

  protected override get extraStreamOptions(): JsonObject {
    return { continuous_usage_stats: true };
  }
}
