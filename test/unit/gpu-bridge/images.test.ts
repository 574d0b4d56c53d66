/** Whether a model takes images: as its node tells it, as the configuration says, and as all of its nodes have it. */
import { afterEach, describe, expect, test } from 'vitest';
import { nodeConfig, type NodeConfig } from '../../../gpu-bridge/config.ts';
import { createNodes } from '../../../gpu-bridge/create-nodes.ts';
import type { InferenceNode } from '../../../gpu-bridge/nodes/node.ts';
import { FakeNode, type FakeScript } from '../../support/fake-node.ts';

const started: (FakeNode | InferenceNode)[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.close()));
});

async function imagesOf(script: FakeScript, config: Partial<NodeConfig>): Promise<unknown> {
  const fake = await FakeNode.start({ models: ['tiny'], ...script });
  const nodes = createNodes([nodeConfig.parse({ name: 'one', url: fake.url, ...config })], {});
  started.push(fake, ...nodes);
  const [model] = await nodes[0]!.listModels(AbortSignal.timeout(30_000));
  return model?.images;
}

describe('a model takes images', () => {
  test.each([
    ['by what Ollama tells of its file', { capabilities: ['completion', 'vision'] }, { kind: 'ollama' }, true],
    ['not, by what Ollama tells', { capabilities: ['completion', 'tools'] }, { kind: 'ollama' }, false],
    ['nobody knows, of an old Ollama', {}, { kind: 'ollama' }, undefined],
    ['by what its server tells', { modalities: ['text', 'image'] }, { kind: 'vllm' }, true],
    ['not, by what its server tells', { modalities: ['text'] }, { kind: 'vllm' }, false],
    ['by the configuration', {}, { kind: 'openai-compatible', images: ['tiny'] }, true],
    ['nobody knows, where another is configured', {}, { kind: 'openai-compatible', images: ['other'] }, undefined],
    ['not, where the engine has no eyes', {}, { kind: 'extractive' }, false],
  ] as const)('%s', async (_, script, config, expected) => {
    const { kind, ...rest } = config;
    const images = 'images' in rest ? { images: [...rest.images] } : {};
    const told = 'capabilities' in script ? { capabilities: [...script.capabilities] } : script;
    expect(await imagesOf(told, { kind, ...images })).toBe(expected);
  });
});
