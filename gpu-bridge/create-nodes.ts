/** Makes the configured nodes; without a configuration, the ones that a machine usually has, and always the extractive one. */
import { ConfigError, defaultNodes, nodeConfig, type Environment, type NodeConfig } from './config.ts';
import { ExtractiveNode } from './nodes/extractive.ts';
import { GgufNode } from './nodes/gguf.ts';
import type { InferenceNode } from './nodes/node.ts';
import { OllamaNode } from './nodes/ollama.ts';
import { OpenAiCompatibleNode, type HttpNodeOptions } from './nodes/openai-compatible.ts';
import { VllmNode } from './nodes/vllm.ts';

export function createNodes(configured: readonly NodeConfig[] | undefined, environment: Environment): InferenceNode[] {
  const configs = configured ?? defaultNodes.map((node) => nodeConfig.parse(node));
  const nodes = configs.map((config) => createNode(config, environment));
  if (!nodes.some((node) => node.kind === 'extractive')) {
    const taken = nodes.some((node) => node.name === 'extractive');
    nodes.push(new ExtractiveNode(taken ? 'extractive-engine' : 'extractive'));
  }
  return nodes;
}

/** A vLLM batches as it likes and shows its own queue; the others are not given more than a machine of theirs can use. */
const defaultCapacities = { vllm: 512, ollama: 64, 'openai-compatible': 256 } as const;

function createNode(config: NodeConfig, environment: Environment): InferenceNode {
  if (config.kind === 'extractive') return new ExtractiveNode(config.name);
  if (config.kind === 'gguf') {
    return new GgufNode({
      name: config.name,
      modelPath: config.model_path ?? '',
      capacity: config.max_concurrency ?? null,
      threads: config.threads,
      maxContext: config.max_context,
      ...(config.model_id === undefined ? {} : { modelId: config.model_id }),
    });
  }
  const apiKey = config.api_key_env === undefined ? undefined : environment[config.api_key_env];
  if (config.api_key_env !== undefined && !apiKey) {
    throw new ConfigError(`node "${config.name}": api_key_env names ${config.api_key_env}, which is not set`);
  }
  const options: HttpNodeOptions = {
    name: config.name,
    url: config.url ?? '',
    apiKey,
    external: config.external,
    capacity: config.max_concurrency ?? defaultCapacities[config.kind],
    limitField: config.limit_field,
    alwaysStream: config.always_stream,
    operations: config.operations ?? {},
    images: config.images ?? [],
    gpus: config.gpus,
    keepWarm: config.keep_warm ?? [],
  };
  if (config.kind === 'vllm') return new VllmNode(options);
  return config.kind === 'ollama' ? new OllamaNode(options) : new OpenAiCompatibleNode(options);
}
