import { describe, expect, it } from 'vitest';
import { chooseTool } from '../../../gpu-bridge/extractive/choose-tool.ts';
import { composeAnswer } from '../../../gpu-bridge/extractive/compose-answer.ts';
import { readConversation } from '../../../gpu-bridge/extractive/passages.ts';
import { countPieces, takePieces } from '../../../gpu-bridge/extractive/pieces.ts';
import { splitTerms } from '../../../gpu-bridge/extractive/words.ts';
import { ExtractiveNode } from '../../../gpu-bridge/nodes/extractive.ts';
import { ExtractiveModel, RecallHeading } from '../../../shared/contracts/inference.ts';
import { HashEmbeddingModel } from '../../../shared/core/hash-embedding.ts';
import { joinText, readEvents, startHarness } from '../../support/bridge-harness.ts';

const instructions = 'You are the concierge of the Harbour Hotel. Be short and polite. Breakfast is served until ten.';
const memories = [
  'Freehold is a multi-tenant AI agent platform that its operator owns outright.',
  "Models run on the operator's own GPUs behind a small bridge that only dials out",
  'Every tenant has a budget; a request that would exceed it is refused with status 429.',
  'Agents remember facts, each with its source, and can be told to forget them.',
  'The licence of Freehold is Apache-2.0.',
];
const system = `${instructions}\n\n${RecallHeading}\n${memories.map((text, index) => `[${index + 1}] ${text}`).join('\n')}`;
const ask = (question: string, content = system) =>
  composeAnswer(
    readConversation([
      { role: 'system', content },
      { role: 'user', content: question },
    ]),
  );

describe('an extractive answer', () => {
  it('quotes the memory that matches, and cites it', () => {
    expect(ask('What is Freehold?')).toMatch(
      /^Freehold is a multi-tenant AI agent platform that its operator owns outright\. \[1\]/,
    );
    expect(ask('Under which license is it?')).toContain('Apache-2.0. [5]');
    expect(ask('Where do the models run?')).toContain('behind a small bridge that only dials out. [2]');
    expect(ask('What happens when a tenant exceeds its budget?')).toContain('[3]');
    expect(ask('Can an agent forget a fact?')).toContain('[4]');
  });

  it('finds over a typing error and other forms of a word', () => {
    expect(ask('tell me about freehol')).toContain('[1]');
    expect(ask('budgets of tenants?')).toContain('[3]');
  });

  it("quotes the agent's instructions as such", () => {
    expect(ask('When is breakfast served?')).toBe('My instructions say: “Breakfast is served until ten.”');
  });

  it('says plainly that nothing matches, and what it is', () => {
    for (const question of ['How tall is the Eiffel Tower?', 'Write a poem about autumn leaves', 'xqzzt']) {
      expect(ask(question)).toMatch(/^Nothing I know matches that question\. .*not a language model/);
    }
    expect(ask('What is Freehold?', '')).toMatch(/^I know nothing yet/);
  });

  it('to a greeting introduces the engine and quotes nothing', () => {
    expect(ask('Hello!')).toMatch(/^Hello\. I am Freehold's built-in extractive engine, not a language model/);
  });

  it('quotes three passages at the most', () => {
    const many = Array.from({ length: 9 }, (_, index) => `[${index + 1}] Agents of kind ${index} store memory.`).join(
      '\n',
    );
    expect(ask('agents store memory', `${RecallHeading}\n${many}`).match(/\[\d\]/g)).toHaveLength(3);
  });

  it('tells what a tool answered, once it has', () => {
    const messages = [
      { role: 'user', content: 'use look_up' },
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'tool', content: '42 rooms' },
    ];
    expect(composeAnswer(readConversation(messages))).toBe('The tool answered: 42 rooms');
  });

  it('is the same every time', () => {
    expect(new Set(Array.from({ length: 5 }, () => ask('What is Freehold?'))).size).toBe(1);
  });
});

describe('reading the conversation', () => {
  it('keeps the numbers of the memories, joins their lines, and ends the section at a blank line', () => {
    const content = `Be kind.\n${RecallHeading}\n[3] First\nof two lines\n[7] Second\n\nAlways answer.`;
    expect(readConversation([{ role: 'developer', content }]).passages).toEqual([
      { text: 'Be kind.', memory: undefined },
      { text: 'First of two lines', memory: 3 },
      { text: 'Second', memory: 7 },
      { text: 'Always answer.', memory: undefined },
    ]);
  });

  it('takes the last user message, and the text parts of a message in parts', () => {
    const messages = [
      { role: 'user', content: 'first' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'last' },
          { type: 'image_url', image_url: { url: 'x' } },
        ],
      },
    ];
    expect(readConversation(messages).question).toBe('last');
  });
});

describe('a tool', () => {
  const tool = (name: string, properties: object = {}, required: string[] = []) => ({
    type: 'function',
    function: { name, parameters: { type: 'object', properties, required } },
  });
  const text = { type: 'string' };

  it('is called only where the message holds its exact name', () => {
    const tools = [tool('look_up'), tool('look_up_all')];
    expect(chooseTool({ tools }, 'please run look_up_all now')?.name).toBe('look_up_all');
    expect(chooseTool({ tools }, 'please look up all')).toBeUndefined();
    expect(chooseTool({ tools }, 'run look_up-x or xlook_up')).toBeUndefined();
    expect(chooseTool({ tools, tool_choice: 'none' }, 'look_up')).toBeUndefined();
    expect(chooseTool({ tools, tool_choice: { type: 'function', function: { name: 'look_up' } } }, 'x')?.name).toBe(
      'look_up',
    );
  });

  it('gets only strings that the message quotes', () => {
    const tools = [
      tool('send', { to: text, subject: text, count: { type: 'number' }, how: { ...text, enum: ['fast', 'slow'] } }, [
        'to',
      ]),
    ];
    const fill = (question: string) => chooseTool({ tools }, question)?.arguments;
    expect(fill('send')).toEqual({});
    expect(fill('send "Ann"')).toEqual({ to: 'Ann' });
    expect(fill('send to: Ann, subject: "Hello you", count 5, fast')).toEqual({
      to: 'Ann',
      subject: 'Hello you',
      how: 'fast',
    });
  });
});

describe('the extractive node', () => {
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: 'What is Freehold?' },
  ];

  it('streams word by word, counts its own tokens, and stops at the limit', async () => {
    const harness = await startHarness();
    const whole = await harness.chatAndReceipt({ model: ExtractiveModel, messages, stream: true });
    const { chunks, done } = readEvents(whole.text);
    const text = joinText(chunks);
    expect([done, text]).toEqual([true, ask('What is Freehold?')]);
    expect(chunks.length).toBeGreaterThan(text.split(' ').length);
    expect(whole.receipt).toMatchObject({ output_tokens: countPieces(text), counted_by: 'node', outcome: 'completed' });
    const short = await harness.chatAndReceipt({ model: ExtractiveModel, messages, max_tokens: 4 });
    expect(JSON.parse(short.text)).toMatchObject({
      choices: [{ message: { content: 'Freehold is a multi' }, finish_reason: 'length' }],
      usage: { completion_tokens: 4 },
    });
    expect(short.receipt.output_tokens).toBe(4);
    const stopped = await harness.chat({ model: ExtractiveModel, messages, stop: ['agent'] });
    expect(JSON.parse(stopped.text).choices[0]).toMatchObject({
      message: { content: 'Freehold is a multi-tenant AI ' },
      finish_reason: 'stop',
    });
  });

  it('calls a named tool, and refuses to be made to call one that is not named', async () => {
    const harness = await startHarness();
    const tools = [
      {
        type: 'function',
        function: {
          name: 'look_up',
          parameters: { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] },
        },
      },
    ];
    const user = (content: string) => ({ model: ExtractiveModel, tools, messages: [{ role: 'user', content }] });
    const called = JSON.parse((await harness.chat(user('look_up "the pool"'))).text);
    expect(called.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [{ type: 'function', function: { name: 'look_up', arguments: '{"q":"the pool"}' } }],
      },
    });
    const refused = await harness.chat({ ...user('find the pool'), tool_choice: 'required' });
    expect(JSON.parse(refused.text).error).toMatchObject({ code: 'unsupported_parameter', param: 'tool_choice' });
    const json = await harness.chat({ ...user('x'), response_format: { type: 'json_object' } });
    expect([json.status, JSON.parse(json.text).error.param]).toEqual([400, 'response_format']);
  });

  it('embeds by characters only, and says so', async () => {
    const node = new ExtractiveNode('extractive');
    const [, embedder] = await node.listModels();
    expect(embedder).toMatchObject({ id: HashEmbeddingModel, dimensions: 768, semantic: false });
    const harness = await startHarness();
    const embed = async (body: object) => {
      const claims = { operation: 'embeddings', model: HashEmbeddingModel, max_output_tokens: 0 } as const;
      const answer = await harness.post(
        '/v1/embeddings',
        { model: HashEmbeddingModel, ...body },
        await harness.token(claims),
      );
      return JSON.parse(answer.text) as { data: { embedding: number[] }[]; error: { param: string } };
    };
    const { data } = await embed({ input: ['harbour', 'habour', 'quartz'] });
    const [a, b, c] = data.map((each) => each.embedding) as [number[], number[], number[]];
    const dot = (x: number[], y: number[]) => x.reduce((sum, value, at) => sum + value * y[at]!, 0);
    expect(a).toHaveLength(768);
    expect(dot(a, b)).toBeGreaterThan(0.4);
    expect(Math.abs(dot(a, c))).toBeLessThan(0.2);
    expect((await embed({ input: [1, 2, 3] })).error.param).toBe('input');
    expect((await embed({ input: 'x', dimensions: 64 })).error.param).toBe('dimensions');
  });
});

describe('words and pieces', () => {
  it('stems meet across the commonest endings, and stopwords are left out', () => {
    expect(splitTerms('What is the running of agents?')).toEqual(splitTerms('run agent'));
    expect(splitTerms('policies stored')).toEqual(splitTerms('policy store'));
    expect(splitTerms('what is this?')).toEqual([]);
  });

  it('pieces are counted and cut alike', () => {
    const text = 'Héllo, wörld 42! 日本 a-b';
    expect(countPieces(text)).toBe(9);
    for (let limit = 0; limit <= 9; limit++) {
      const taken = takePieces(text, limit);
      expect([taken.count, countPieces(taken.text)]).toEqual([limit, limit]);
    }
    expect(takePieces(text, 50)).toEqual({ text, count: 9 });
  });
});
