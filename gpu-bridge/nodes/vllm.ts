/**
 * vLLM. Asks for usage with every chunk, so that a run that is broken off is counted by the node too, and reads from its
 * metrics how much it has to do, whoever gave it that.
 */
import type { JobOperation } from '../../shared/contracts/inference.ts';
import type { JsonObject } from '../json-object.ts';
import type { ForwardedOperation, NodeKind, NodeLoad } from './node.ts';
import { OpenAiCompatibleNode } from './openai-compatible.ts';
import { meanFirstTokenMs, parseVllmMetrics, type VllmMetrics } from './vllm-metrics.ts';

export class VllmNode extends OpenAiCompatibleNode {
  override readonly kind: NodeKind = 'vllm';
  #last: VllmMetrics | undefined;

  protected override get extraStreamOptions(): JsonObject {
    return { continuous_usage_stats: true };
  }

  /** It tells the tokens of every model that reads text. */
  protected override operationsOf(id: string, item: unknown): readonly JobOperation[] {
    const operations = super.operationsOf(id, item);
    const readsText = !operations.includes('transcription') && !operations.includes('speech');
    return readsText ? [...operations, 'tokenize'] : operations;
  }

  protected override pathOf(operation: ForwardedOperation): string {
    return operation === 'tokenize' ? '/tokenize' : super.pathOf(operation);
  }

  override async readLoad(signal: AbortSignal): Promise<NodeLoad> {
    const metrics = parseVllmMetrics(await this.getText('/metrics', signal));
    const firstTokenMs = meanFirstTokenMs(this.#last, metrics);
    this.#last = metrics;
    return { running: metrics.running, waiting: metrics.waiting, firstTokenMs, loaded: null };
  }
}
