/**
 * Ollama, through its `/v1` surface, with the models of `/api/tags`. What Ollama would silently ignore is refused, so
 * that no caller believes it was honoured.
 */
import type { AnnouncedModel, JobOperation } from '../../shared/contracts/inference.ts';
import { fail, type Failure } from '../../shared/core/failure.ts';
import { findObject, findString, isJsonObject, type JsonObject } from '../json-object.ts';
import type { CanaryHabit, NodeCall, NodeKind, NodeLoad } from './node.ts';
import { OpenAiCompatibleNode } from './openai-compatible.ts';

const embedderFamilies = new Set(['bert', 'nomic-bert', 'xlm-roberta', 'roberta']);

export class OllamaNode extends OpenAiCompatibleNode {
  override readonly kind: NodeKind = 'ollama';

  /** Of each model's file: what it can do, as far as it was told. */
  readonly #capabilities = new Map<string, readonly unknown[] | undefined>();

  override async listModels(signal: AbortSignal): Promise<readonly AnnouncedModel[]> {
    const body = await this.getJson('/api/tags', signal);
    const models = isJsonObject(body) && Array.isArray(body['models']) ? body['models'] : undefined;
    if (!models) throw new Error('/api/tags does not answer with a list');
    const named = models.flatMap((item) => {
      const id = findString(item, 'model') ?? findString(item, 'name');
      return id ? [{ id, item: item as unknown }] : [];
    });
    await Promise.all(named.map(({ id, item }) => this.#learn(id, item, signal)));
    return named.map(({ id, item }) => this.describeModel(id, item));
  }

  /** The list does not say it; each file is asked about once. An old Ollama has no answer. */
  async #learn(id: string, item: unknown, signal: AbortSignal): Promise<void> {
    const file = fileOf(id, item);
    if (this.#capabilities.has(file)) return;
    const call = { signal, run: 'show', created: 0 };
    const shown = await this.postJson('/api/show', call, { model: id }).catch(() => undefined);
    if (signal.aborted) return;
    const told = isJsonObject(shown) ? shown['capabilities'] : undefined;
    this.#capabilities.set(file, Array.isArray(told) ? told : undefined);
  }

  protected override takesImages(id: string, item: unknown): boolean | undefined {
    return this.#capabilities.get(fileOf(id, item))?.includes('vision');
  }

  /** It may serve one job at a time: a canary behind a long prompt would say nothing. */
  override get canary(): CanaryHabit {
    return this.external ? 'never' : 'idle';
  }

  override async readLoad(signal: AbortSignal): Promise<NodeLoad> {
    const body = await this.getJson('/api/ps', signal);
    const models = isJsonObject(body) && Array.isArray(body['models']) ? body['models'] : [];
    const loaded = models.flatMap((item) => findString(item, 'model') ?? findString(item, 'name') ?? []);
    return { running: null, waiting: null, firstTokenMs: null, loaded };
  }

  /** Its `/v1` takes no `keep_alive`; what was said here holds for as long as the model is loaded. */
  async keepLoaded({ id, operations }: AnnouncedModel, call: NodeCall): Promise<void> {
    const forGood = { model: id, keep_alive: -1 };
    if (operations.includes('embeddings')) await this.postJson('/api/embed', call, { ...forGood, input: 'ping' });
    else await this.postJson('/api/generate', call, { ...forGood, stream: false });
  }

  /** It has no reranking and no audio, whatever its models are called. */
  protected override operationsOf(id: string, item: unknown): readonly JobOperation[] {
    const family = findString(findObject(item, 'details'), 'family') ?? '';
    const guessed = embedderFamilies.has(family) ? ['embeddings' as const] : super.operationsOf(id, item);
    const served = guessed.filter((each) => each === 'embeddings' || each === 'chat' || each === 'completions');
    return served.length > 0 ? served : ['chat', 'completions'];
  }

  override findUnsupported(operation: JobOperation, body: JsonObject): Failure | undefined {
    if (operation === 'embeddings') {
      const input = body['input'];
      const first: unknown = Array.isArray(input) ? input[0] : input;
      return typeof first === 'string' ? undefined : refuse('input', 'Ollama takes texts only, not tokens.');
    }
    if (operation === 'completions' && typeof body['prompt'] !== 'string') {
      return refuse('prompt', 'Ollama takes texts only, not tokens.');
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

const fileOf = (id: string, item: unknown) => `${id} ${findString(item, 'digest') ?? ''}`;

function refuse(param: string, message: string): Failure {
  return fail('unsupported_parameter', message, { param });
}
