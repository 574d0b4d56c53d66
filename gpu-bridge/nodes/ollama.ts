/**
 * Ollama, through its `/v1` surface, with the models of `/api/tags`. What Ollama would silently ignore is refused, so
 * that no caller believes it was honoured.
 */
import type { AnnouncedModel } from '../../shared/contracts/inference.ts';
import { fail, type Failure } from '../../shared/core/failure.ts';
import { findObject, findString, isJsonObject, type JsonObject } from '../json-object.ts';
import type { NodeKind } from './node.ts';
import { looksLikeEmbedder, OpenAiCompatibleNode } from './openai-compatible.ts';

const embedderFamilies = new Set(['bert', 'nomic-bert', 'xlm-roberta', 'roberta']);

export class OllamaNode extends OpenAiCompatibleNode {
  override readonly kind: NodeKind = 'ollama';

  override async listModels(signal: AbortSignal): Promise<readonly AnnouncedModel[]> {
    const body = await this.getJson('/api/tags', signal);
    const models = isJsonObject(body) && Array.isArray(body['models']) ? body['models'] : undefined;
    if (!models) throw new Error('/api/tags does not answer with a list');
    return models.flatMap((item) => {
      const id = findString(item, 'model') ?? findString(item, 'name');
      return id ? [this.describeModel(id, item)] : [];
    });
  }

  protected override describeModel(id: string, item: unknown): AnnouncedModel {
    const family = findString(findObject(item, 'details'), 'family') ?? '';
    const embeds = embedderFamilies.has(family) || looksLikeEmbedder(id);
    return { ...super.describeModel(id, item), operations: [embeds ? 'embeddings' : 'chat'] };
  }

  override findUnsupported(operation: 'chat' | 'embeddings', body: JsonObject): Failure | undefined {
    if (operation === 'embeddings') {
      const input = body['input'];
      const first: unknown = Array.isArray(input) ? input[0] : input;
      return typeof first === 'string' ? undefined : refuse('input', 'Ollama takes texts only, not tokens.');
    }
    const choice = body['tool_choice'];
    if (choice !== undefined && choice !== null && choice !== 'auto' && choice !== 'none') {
      return refuse('tool_choice', 'Ollama honours no tool_choice but "auto" and "none".');
    }
    if (body['logit_bias'] !== undefined && body['logit_bias'] !== null) {
      return refuse('logit_bias', 'Ollama does not honour logit_bias.');
    }
    return typeof body['n'] === 'number' && body['n'] > 1 ? refuse('n', 'Ollama gives one choice only.') : undefined;
  }

  /** `tool_choice: "none"` is honoured here, by not offering the tools. */
  override chat(...[body, call]: Parameters<OpenAiCompatibleNode['chat']>): ReturnType<OpenAiCompatibleNode['chat']> {
    if (body['tool_choice'] !== 'none') return super.chat(body, call);
    const { tools: _, ...rest } = body;
    return super.chat(rest, call);
  }
}

function refuse(param: string, message: string): Failure {
  return fail('unsupported_parameter', message, { param });
}
