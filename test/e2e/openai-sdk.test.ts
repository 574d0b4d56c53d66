/** The official `openai` SDK, unmodified, at a tenant's host: what works at OpenAI works here, errors included. */
import OpenAI from 'openai';
import { zodResponseFormat, zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MaxRepairs } from '../../durable-objects/conversation/turn-engine.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import type { FakeScript } from '../support/fake-node.ts';
import {
  AgentModel,
  EmbeddingModel,
  PlainModel,
  startPlatformWithNode,
  type PlatformWithNode,
} from '../support/platform-with-node.ts';
import { waitUntil } from '../support/wait-until.ts';

type StreamEvent = OpenAI.Responses.ResponseStreamEvent;
type SentMessage = { role: string; content: string | null; tool_calls?: unknown[]; tool_call_id?: string };

const Answer = 'one two three four five';
const ContextWindow = 16_384;
const models = [PlainModel, AgentModel];
const terminalEvents = ['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled'];

let home: PlatformWithNode;
let client: OpenAI;

beforeAll(async () => {
  home = await startPlatformWithNode({ script: { contextWindow: ContextWindow } });
  client = home.platform.openai(home.tenant);
});
afterAll(() => home.stop());
beforeEach(() => {
  home.node.script = { models: [PlainModel, EmbeddingModel], contextWindow: ContextWindow };
  home.node.requests.length = 0;
});

function script(change: FakeScript): void {
  home.node.script = { ...home.node.script, ...change };
}

function lastMessages(): SentMessage[] {
  return home.node.requests.at(-1)!.body['messages'] as SentMessage[];
}

/** What the user and the model said, without the agent's own system message. */
function lastDialogue(): string[] {
  return lastMessages()
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => `${role}: ${content}`);
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A node that calls `look_up` first, and answers in words once it has been told what the tool said. */
function toolCallingScript(): FakeScript {
  const wasTold = () => lastMessages().at(-1)?.role === 'tool';
  const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '' } };
  const deltas = [{ tool_calls: [call] }, ...['{"city":', '"Oslo"}'].map(callArguments)];
  return {
    words: ['It', 'is', 'cold'],
    mapChunk: (chunk, index) => {
      if (wasTold() || chunk.choices.length === 0) return chunk;
      const [choice] = chunk.choices;
      if (choice?.['finish_reason']) return { ...chunk, choices: [{ ...choice, finish_reason: 'tool_calls' }] };
      return index === 0 ? chunk : { ...chunk, choices: [{ ...choice, delta: deltas[index - 1] }] };
    },
    body: (request) => ({
      id: 'chatcmpl-fake',
      object: 'chat.completion',
      created: 1,
      model: request.body['model'],
      choices: [
        wasTold()
          ? { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'It is cold' } }
          : {
              index: 0,
              finish_reason: 'tool_calls',
              message: {
                role: 'assistant',
                content: null,
                tool_calls: [
                  { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{"city":"Oslo"}' } },
                ],
              },
            },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    }),
  };
}

function callArguments(text: string) {
  return { tool_calls: [{ index: 0, function: { arguments: text } }] };
}

const lookUp = {
  name: 'look_up',
  description: 'Looks up the weather.',
  parameters: {
    type: 'object' as const,
    properties: { city: { type: 'string' as const } },
    required: ['city'],
    additionalProperties: false,
  },
};

describe('models', () => {
  it('lists the plain models and the agents, and retrieves each by its id, slashes included', async () => {
    const listed = (await collect(client.models.list())).map(({ id }) => id);
    expect(listed).toEqual(expect.arrayContaining([PlainModel, EmbeddingModel, AgentModel, HashEmbeddingModel]));
    for (const id of listed) expect(await client.models.retrieve(id)).toMatchObject({ id, object: 'model' });
  });

  it('refuses a model that is not there as NotFoundError with model_not_found', async () => {
    for (const id of ['no/such', 'agent/nobody', 'x']) {
      const error = await thrownBy(client.models.retrieve(id));
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect(error).toMatchObject({ code: 'model_not_found' });
    }
  });
});

describe.each(models)('chat completions of %s', (model) => {
  const messages = [{ role: 'user' as const, content: 'Count.' }];

  it('create gives the whole answer, its usage and a request id', async () => {
    const completion = await client.chat.completions.create({ model, messages });
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model,
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: Answer, refusal: null } }],
      usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    });
    expect(completion._request_id).toMatch(/^req_/);
  });

  it('a stream has one id, a role first, one finish reason, and no usage unless asked for', async () => {
    const chunks = await collect(await client.chat.completions.create({ model, messages, stream: true }));
    expect(new Set(chunks.map(({ id, created, model: named }) => `${id} ${created} ${named}`)).size).toBe(1);
    expect(chunks[0]!.model).toBe(model);
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant');
    expect(chunks.map((chunk) => chunk.choices[0]!.delta.content ?? '').join('')).toBe(Answer);
    expect(chunks.flatMap((chunk) => chunk.choices[0]!.finish_reason ?? [])).toEqual(['stop']);
    expect(chunks.every((chunk) => chunk.usage === undefined)).toBe(true);
  });

  it('include_usage adds one last chunk without choices; every other chunk has usage null', async () => {
    const options = { model, messages, stream: true, stream_options: { include_usage: true } } as const;
    const chunks = await collect(await client.chat.completions.create(options));
    expect(chunks.slice(0, -1).map((chunk) => chunk.usage)).toEqual(chunks.slice(0, -1).map(() => null));
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    });
  });

  it('the stream() helper puts the completion together', async () => {
    const stream = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]!.message.content).toBe(Answer);
    expect(completion.choices[0]!.finish_reason).toBe('stop');
    expect(await stream.totalUsage()).toMatchObject({ total_tokens: 12 });
  });

  it('an answer that reaches max_completion_tokens says finish_reason length', async () => {
    script({ finish: 'length' });
    const options = { model, messages, max_completion_tokens: 2, stream: true } as const;
    const chunks = await collect(await client.chat.completions.create(options));
    expect(chunks.map((chunk) => chunk.choices[0]!.delta.content ?? '').join('')).toBe('one two');
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('length');
    expect(home.node.requests.at(-1)!.body['max_tokens']).toBe(2);
  });

  it('runTools calls the tool that the model asks for and tells the model its result', async () => {
    script(toolCallingScript());
    const asked: string[] = [];
    const runner = client.chat.completions.runTools({
      model,
      messages,
      tools: [
        {
          type: 'function',
          function: {
            ...lookUp,
            parse: JSON.parse as (text: string) => { city: string },
            function: ({ city }: { city: string }) => {
              asked.push(city);
              return '-5';
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe('It is cold');
    expect(asked).toEqual(['Oslo']);
    expect(lastMessages().at(-1)).toMatchObject({ role: 'tool', tool_call_id: 'call_1', content: '-5' });
  });

  it('a streamed tool call arrives with one id and name and its arguments in pieces', async () => {
    script(toolCallingScript());
    const stream = client.chat.completions.stream({
      model,
      messages,
      tools: [{ type: 'function', function: { ...lookUp } }],
    });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ id: 'call_1', function: { name: 'look_up', arguments: '{"city":"Oslo"}' } }] },
    });
  });

  it('response_format reaches the node as it was sent', async () => {
    const format = {
      type: 'json_schema' as const,
      json_schema: { name: 'weather', strict: true, schema: lookUp.parameters },
    };
    const text = '{"city":"Oslo"}';
    const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: text } }];
    script({ reply: () => ({ text }), body: () => ({ object: 'chat.completion', choices }) });
    await client.chat.completions.create({ model, messages, response_format: format });
    expect(home.node.requests.at(-1)!.body['response_format']).toEqual(format);
  });
});

describe.each(models)('responses of %s', (model) => {
  const body = { model, input: 'Count.' };

  it('create gives the whole response', async () => {
    const response = await client.responses.create({ ...body, metadata: { a: 'b' } });
    expect(response).toMatchObject({
      status: 'completed',
      model,
      metadata: { a: 'b' },
      error: null,
      incomplete_details: null,
    });
    expect(response.output_text).toBe(Answer);
    expect(response.usage).toMatchObject({ input_tokens: 7, output_tokens: 5, total_tokens: 12 });
    expect(await client.responses.retrieve(response.id)).toMatchObject({ id: response.id, output: response.output });
  });

  it('a stream has its events in order, numbers without a gap, and exactly one terminal event', async () => {
    const events = await collect(await client.responses.create({ ...body, stream: true }));
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...Array<string>(5).fill('response.output_text.delta'),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expectWholeLog(events);
  });

  it('the stream() helper puts the response together', async () => {
    const response = await client.responses.stream(body).finalResponse();
    expect(response.output_text).toBe(Answer);
  });

  it('the stream() helper takes up a response by its id, after the events that were seen', async () => {
    const events = await collect(await client.responses.create({ ...body, stream: true }));
    const resumed = client.responses.stream({ response_id: idOf(events), starting_after: 5 });
    const rest: number[] = [];
    resumed.on('event', ({ sequence_number: number }) => rest.push(number));
    expect((await resumed.finalResponse()).output_text).toBe(Answer);
    expect(rest).toEqual(events.slice(6).map(({ sequence_number: number }) => number));
  });

  it('background answers at once and can be polled to its end', async () => {
    script({ pauseAt: 2 });
    const begun = await client.responses.create({ ...body, background: true });
    expect(['queued', 'in_progress']).toContain(begun.status);
    await waitUntil('the node is asked', () => home.node.requests.length > 0);
    const polled = await waitUntil('the response is in progress', async () => {
      const now = await client.responses.retrieve(begun.id);
      return now.status === 'queued' ? undefined : now;
    });
    expect(polled.status).toBe('in_progress');
    await releaseUntil(async () => (await client.responses.retrieve(begun.id)).status === 'completed');
    expect((await client.responses.retrieve(begun.id)).output_text).toBe(Answer);
  });

  it('cancel stops the node, says cancelled, and leaves exactly one terminal event', async () => {
    script({ fault: { at: 2, how: 'stall' } });
    const aborted = home.node.aborted;
    const begun = await client.responses.create({ ...body, background: true });
    const running = await client.responses.retrieve(begun.id, { stream: true });
    for await (const event of running) if (event.type === 'response.output_text.delta') break;
    const cancelled = await client.responses.cancel(begun.id);
    expect(cancelled.status).toBe('cancelled');
    await home.node.waitForAborts(aborted + 1);
    expectWholeLog(await collect(await client.responses.retrieve(begun.id, { stream: true })));
    expect((await client.responses.cancel(begun.id)).status).toBe('cancelled');
  });

  it('a response that is not in the background cannot be cancelled', async () => {
    const response = await client.responses.create(body);
    expect(await thrownBy(client.responses.cancel(response.id))).toBeInstanceOf(OpenAI.ConflictError);
  });

  it('resuming after any event gives exactly the events that follow it', async () => {
    const events = await collect(await client.responses.create({ ...body, stream: true }));
    const id = idOf(events);
    expect(await collect(await client.responses.retrieve(id, { stream: true }))).toEqual(events);
    for (let at = 0; at < events.length; at++) {
      const rest = await collect(await client.responses.retrieve(id, { stream: true, starting_after: at }));
      expect(rest).toEqual(events.slice(at + 1));
    }
  });

  it('resuming after any event works while the answer is still written and its first reader has left', async () => {
    script({ pauseAt: 3 });
    const first = await client.responses.create({ ...body, stream: true });
    const seen: StreamEvent[] = [];
    for await (const event of first) {
      seen.push(event);
      // Leaving the loop closes the connection.
      if (seen.filter(({ type }) => type === 'response.output_text.delta').length === 3) break;
    }
    const id = idOf(seen);
    const resumed = await Promise.all(
      seen.map((_, at) => client.responses.retrieve(id, { stream: true, starting_after: at })),
    );
    const rests = Promise.all(resumed.map((stream) => collect<StreamEvent>(stream)));
    await releaseUntil(async () => (await client.responses.retrieve(id)).status === 'completed');
    const whole = await collect(await client.responses.retrieve(id, { stream: true }));
    expectWholeLog(whole);
    expect(whole.slice(0, seen.length)).toEqual(seen);
    for (const [at, rest] of (await rests).entries()) expect(rest).toEqual(whole.slice(at + 1));
  });

  it('previous_response_id carries the whole past to the model', async () => {
    const first = await client.responses.create({ ...body, input: 'First?' });
    const second = await client.responses.create({ ...body, input: 'Second?', previous_response_id: first.id });
    await client.responses.create({ ...body, input: 'Third?', previous_response_id: second.id });
    expect(lastDialogue()).toEqual([
      'user: First?',
      `assistant: ${Answer}`,
      'user: Second?',
      `assistant: ${Answer}`,
      'user: Third?',
    ]);
  });

  it('a conversation carries its items to the model and keeps what was said', async () => {
    const conversation = await client.conversations.create({
      items: [{ type: 'message', role: 'user', content: 'My name is Ada.' }],
    });
    await client.responses.create({ ...body, input: 'First?', conversation: conversation.id });
    await client.responses.create({ ...body, input: 'Second?', conversation: { id: conversation.id } });
    expect(lastDialogue()).toEqual(['user: My name is Ada.', 'user: First?', `assistant: ${Answer}`, 'user: Second?']);
    const items = await collect(client.conversations.items.list(conversation.id, { order: 'asc' }));
    expect(items.map((item) => (item.type === 'message' ? item.role : item.type))).toEqual([
      'user',
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
  });

  it('input_items lists what the response was given', async () => {
    const input = ['a', 'b', 'c'].map((content) => ({ role: 'user' as const, content }));
    const response = await client.responses.create({ model, input });
    const items = await collect(client.responses.inputItems.list(response.id, { order: 'asc', limit: 2 }));
    expect(items.map((item) => (item.type === 'message' ? item.content : []))).toEqual(
      ['a', 'b', 'c'].map((text) => [{ type: 'input_text', text }]),
    );
  });

  it('delete makes the response not found', async () => {
    const { id } = await client.responses.create(body);
    await client.responses.delete(id);
    expect(await thrownBy(client.responses.retrieve(id))).toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('a function call comes as an item, and its output goes back by function_call_output', async () => {
    script(toolCallingScript());
    const tools = [{ type: 'function' as const, strict: true, ...lookUp }];
    const asked = await client.responses.create({ ...body, tools });
    const call = asked.output.find((item) => item.type === 'function_call');
    expect(call).toMatchObject({ name: 'look_up', arguments: '{"city":"Oslo"}', status: 'completed' });
    const output = { type: 'function_call_output' as const, call_id: call!.call_id, output: '-5' };
    const answered = await client.responses.create({ model, tools, previous_response_id: asked.id, input: [output] });
    expect(answered.output_text).toBe('It is cold');
    expect(lastMessages().slice(-2)).toMatchObject([
      {
        role: 'assistant',
        tool_calls: [{ id: call!.call_id, function: { name: 'look_up', arguments: '{"city":"Oslo"}' } }],
      },
      { role: 'tool', tool_call_id: call!.call_id, content: '-5' },
    ]);
  });

  it('a streamed function call has its arguments in pieces, then whole', async () => {
    script(toolCallingScript());
    const tools = [{ type: 'function' as const, strict: true, ...lookUp }];
    const events = await collect(await client.responses.create({ ...body, tools, stream: true }));
    expectWholeLog(events);
    const pieces = events.flatMap((event) =>
      event.type === 'response.function_call_arguments.delta' ? [event.delta] : [],
    );
    expect(pieces.join('')).toBe('{"city":"Oslo"}');
    expect(events.filter((event) => event.type === 'response.function_call_arguments.done')).toMatchObject([
      { name: 'look_up', arguments: '{"city":"Oslo"}' },
    ]);
  });

  it('text.format reaches the node as response_format', async () => {
    script({ reply: () => ({ text: '{"city":"Oslo"}' }) });
    const format = { type: 'json_schema' as const, name: 'weather', strict: true, schema: lookUp.parameters };
    await client.responses.create({ ...body, text: { format } });
    const { type, ...schema } = format;
    expect(home.node.requests.at(-1)!.body['response_format']).toEqual({ type, json_schema: schema });
  });

  it('a node that breaks off ends in response.failed, and the SDK shows the error', async () => {
    script({ fault: { at: 2, how: 'rst' } });
    const events = await collect(await client.responses.create({ ...body, stream: true }));
    expectWholeLog(events);
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed' } });
  });
});

describe('conversations', () => {
  it('can be created, read, changed and deleted', async () => {
    const created = await client.conversations.create({ metadata: { topic: 'a' } });
    expect(created).toMatchObject({ object: 'conversation', metadata: { topic: 'a' } });
    expect(await client.conversations.retrieve(created.id)).toEqual(created);
    const changed = await client.conversations.update(created.id, { metadata: { topic: 'b' } });
    expect(changed.metadata).toEqual({ topic: 'b' });
    expect(await client.conversations.delete(created.id)).toMatchObject({ id: created.id, deleted: true });
    expect(await thrownBy(client.conversations.retrieve(created.id))).toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('items can be added, listed in pages, read and deleted', async () => {
    const { id } = await client.conversations.create({});
    const texts = ['a', 'b', 'c', 'd', 'e'];
    const added = await client.conversations.items.create(id, {
      items: texts.map((text) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] })),
    });
    const listed = await collect(client.conversations.items.list(id, { limit: 2, order: 'asc' }));
    expect(listed).toEqual(added.data);
    const itemId = listed[1]!.id!;
    expect(await client.conversations.items.retrieve(itemId, { conversation_id: id })).toEqual(listed[1]);
    await client.conversations.items.delete(itemId, { conversation_id: id });
    const left = await collect(client.conversations.items.list(id, { order: 'desc' }));
    expect(left.map((item) => item.id)).toEqual([4, 3, 2, 0].map((at) => listed[at]!.id));
  });
});

describe('an answer by a schema', () => {
  const format = { type: 'json_schema' as const, name: 'weather', strict: true, schema: lookUp.parameters };
  const ask = (change: object = {}) =>
    client.responses.parse({ model: AgentModel, input: 'Where?', text: { format: { ...format, ...change } } });

  it('is parsed by the SDK where it fits', async () => {
    script({ reply: () => ({ text: '{"city":"Oslo"}' }) });
    const answered = await ask();
    expect(answered).toMatchObject({ status: 'completed', output_parsed: { city: 'Oslo' } });
  });

  const weather = z.object({ city: z.string() });
  /** A node that errs at first, and puts it right once it is told. */
  const erring = () => {
    const said = home.node.requests.length;
    script({ reply: () => ({ text: home.node.requests.length - said > 1 ? '{"city":"Oslo"}' : '{"town":"Oslo"}' }) });
  };

  it.each(models)('of %s that did not fit is put right, and the SDK parses what stands', async (model) => {
    const body = { model, input: 'Where?', text: { format: zodTextFormat(weather, 'weather') } };
    erring();
    const parsed = await client.responses.parse(body);
    expect(parsed.output_parsed).toEqual({ city: 'Oslo' });
    expect(parsed.output_text).toBe('{"city":"Oslo"}');
    expect(parsed.usage!.output_tokens).toBeGreaterThan(1);
    expect(lastMessages().slice(-2)).toMatchObject([
      { role: 'assistant', content: '{"town":"Oslo"}' },
      { role: 'user', content: expect.stringContaining('city') as string },
    ]);
    erring();
    const stream = client.responses.stream(body);
    const events = await collect<StreamEvent>(stream);
    expectWholeLog(events);
    expect((await stream.finalResponse()).output_parsed).toEqual({ city: 'Oslo' });
    const items = events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
    expect(items).toMatchObject([{ status: 'incomplete', content: [] }, { status: 'completed' }]);
  });

  it('is a background response as any other, and what did not fit is not read by later turns', async () => {
    erring();
    const conversation = await client.conversations.create({});
    const about = { model: AgentModel, conversation: conversation.id };
    const format = zodTextFormat(weather, 'weather');
    const begun = await client.responses.create({ ...about, input: 'Where?', text: { format }, background: true });
    const done = await waitUntil('the response is over', async () => {
      const now = await client.responses.retrieve(begun.id);
      return now.status === 'completed' ? now : undefined;
    });
    expect(done.output_text).toBe('{"city":"Oslo"}');
    script({ reply: () => ({ text: 'Yes.' }) });
    await client.responses.create({ ...about, input: 'Sure?' });
    expect(lastDialogue()).toEqual(['user: Where?', 'assistant: {"city":"Oslo"}', 'user: Sure?']);
  });

  it("is parsed out of an agent's chat completion, and an error where its stream has shown it", async () => {
    const body = {
      model: AgentModel,
      messages: [{ role: 'user' as const, content: 'Where?' }],
      response_format: zodResponseFormat(weather, 'weather'),
    };
    erring();
    const completion = await client.chat.completions.parse(body);
    expect(completion.choices[0]!.message.parsed).toEqual({ city: 'Oslo' });
    erring();
    const asked = home.node.requests.length;
    expect(await thrownBy(client.chat.completions.stream(body).finalChatCompletion())).toBeInstanceOf(Error);
    expect(home.node.requests.length - asked).toBe(1);
  });

  it('has the arguments of its tools parsed as well', async () => {
    script(toolCallingScript());
    const tools = [zodResponsesFunction({ name: 'look_up', parameters: weather })];
    const asked = await client.responses.parse({ model: AgentModel, input: 'Where?', tools });
    expect(asked.output.find((item) => item.type === 'function_call')).toMatchObject({
      parsed_arguments: { city: 'Oslo' },
    });
  });

  it.each([
    ['is no JSON', 'Oslo, I think'],
    ['lacks a member', '{"town":"Oslo"}'],
    ['has another type', '{"city":5}'],
  ])('that %s to the last fails, and says so', async (_, text) => {
    script({ reply: () => ({ text }) });
    const body = { model: AgentModel, input: 'Where?', text: { format } };
    const failed = await client.responses.create(body);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'upstream_invalid' } });
    expect(home.node.requests).toHaveLength(1 + MaxRepairs);
    expect(failed.usage!.output_tokens).toBeGreaterThan(MaxRepairs);
    const events = await collect(await client.responses.create({ ...body, stream: true }));
    expectWholeLog(events);
    expect(events.at(-1)).toMatchObject({ type: 'response.failed' });
  });

  it('is not checked where strict is false', async () => {
    script({ reply: () => ({ text: '{"town":"Oslo"}' }) });
    expect(await ask({ strict: false })).toMatchObject({ status: 'completed' });
  });

  it('by a schema that is none is a BadRequestError', async () => {
    const error = await thrownBy(ask({ schema: { type: 'nonsense' } }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
  });
});

describe('parallel tool calls', () => {
  const tools = [{ type: 'function' as const, strict: true, ...lookUp }];
  const twoCalls = () => {
    const calls = ['Oslo', 'Rome'].map((city) => ({ name: 'look_up', arguments: { city } }));
    const wasTold = () => lastMessages().at(-1)?.role === 'tool';
    script({ reply: () => (wasTold() ? { text: 'Cold and warm' } : { calls }) });
  };

  it.each([PlainModel, AgentModel])(
    'of %s come as items of their own, and go on once all have outputs',
    async (model) => {
      twoCalls();
      const asked = await client.responses.create({ model, input: 'Where?', tools, parallel_tool_calls: true });
      const calls = asked.output.filter((item) => item.type === 'function_call');
      expect(calls.map((call) => call.arguments)).toEqual(['{"city":"Oslo"}', '{"city":"Rome"}']);
      expect(new Set(calls.map((call) => call.call_id)).size).toBe(2);
      const input = calls.map(({ call_id: id }, at) => ({
        type: 'function_call_output' as const,
        call_id: id,
        output: `${at}`,
      }));
      const answered = await client.responses.create({ model, tools, previous_response_id: asked.id, input });
      expect(answered.output_text).toBe('Cold and warm');
      expect(lastMessages().slice(-3)).toMatchObject([
        { role: 'assistant', tool_calls: calls.map(({ call_id: id }) => ({ id })) },
        { role: 'tool', content: '0' },
        { role: 'tool', content: '1' },
      ]);
    },
  );

  it('are one call where they are not wanted, whatever the model does', async () => {
    twoCalls();
    const body = { model: PlainModel, input: 'Where?', tools, parallel_tool_calls: false };
    const events = await collect(await client.responses.create({ ...body, stream: true }));
    expectWholeLog(events);
    const last = events.at(-1);
    expect(last?.type === 'response.completed' && last.response.output).toMatchObject([
      { arguments: '{"city":"Oslo"}' },
    ]);
  });
});

describe('what a request may ask for besides', () => {
  it('include takes what the SDK sends as a matter of course, and refuses what is not there to include', async () => {
    const include = ['reasoning.encrypted_content' as const, 'message.input_image.image_url' as const];
    const body = { model: PlainModel, input: 'Hi' };
    expect(await client.responses.create({ ...body, include })).toMatchObject({ status: 'completed' });
    const error = await thrownBy(client.responses.create({ ...body, include: ['message.output_text.logprobs'] }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect((error as { param: string }).param).toContain('include');
  });

  it('truncation: auto lets the oldest items give way, disabled sends them all', async () => {
    const { id } = await client.conversations.create({});
    for (const letter of ['a', 'b', 'c'])
      await client.conversations.items.create(id, {
        items: [{ type: 'message', role: 'user', content: letter.repeat(20_000) }],
      });
    const body = { model: PlainModel, conversation: id, input: 'And?', max_output_tokens: 100 };
    const whole = await client.responses.create({ ...body, truncation: 'disabled' });
    expect(whole.truncation).toBe('disabled');
    expect(lastDialogue()).toHaveLength(4);
    const cut = await client.responses.create({ ...body, truncation: 'auto' });
    expect(cut.output.map(({ type }) => type)).toContain('compaction');
    expect(lastDialogue().join('').length).toBeLessThan(45_000);
  });

  it('input_tokens are estimated, grow with what is read, and never pass the bound', async () => {
    const { id } = await client.conversations.create({
      items: [{ type: 'message', role: 'user', content: 'word '.repeat(400) }],
    });
    type Counted = { input_tokens: number; max_input_tokens: number; estimated: boolean };
    const count = async (body: OpenAI.Responses.InputTokenCountParams) =>
      (await client.responses.inputTokens.count(body)) as unknown as Counted;
    const plain = await count({ model: PlainModel, input: 'What is the answer?' });
    expect(plain).toMatchObject({ object: 'response.input_tokens', estimated: true });
    const more = [
      await count({ model: PlainModel, input: 'What is the answer?', instructions: 'Be brief.' }),
      await count({ model: AgentModel, input: 'What is the answer?' }),
      await count({
        model: PlainModel,
        input: 'What is the answer?',
        tools: [{ type: 'function', strict: true, ...lookUp }],
      }),
    ];
    for (const each of more) expect(each.input_tokens).toBeGreaterThan(plain.input_tokens);
    const inThread = await count({ model: PlainModel, conversation: id, input: 'And?' });
    expect(inThread.input_tokens).toBeGreaterThan(400);
    for (const each of [plain, ...more, inThread]) expect(each.max_input_tokens).toBeGreaterThan(each.input_tokens);
    expect(home.node.requests).toEqual([]);
    expect(await thrownBy(count({ model: 'no-such-model', input: 'Hi' }))).toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('a message to a busy conversation', () => {
  async function sendTwo(doubleTexting: string) {
    const slug = `busy-${doubleTexting}`;
    const definition = { model: PlainModel, limits: { recall: 0 }, double_texting: doubleTexting };
    await home.platform.client(home.tenant).require('POST', '/v1/agents', { slug, name: slug, definition });
    const conversation = await client.conversations.create({});
    const body = { model: `agent/${slug}`, conversation: conversation.id, background: true };
    script({ words: Answer.split(' '), pauseAt: 2 });
    const first = await client.responses.create({ ...body, input: 'One' });
    await home.node.waitForRequests(1);
    return { first, conversation: conversation.id, second: () => client.responses.create({ ...body, input: 'Two' }) };
  }
  const statusOf = async (id: string) => (await client.responses.retrieve(id)).status;

  it('is a ConflictError where the agent rejects it', async () => {
    const { first, second } = await sendTwo('reject');
    const quick = home.platform.openai(home.tenant, { maxRetries: 0 });
    const again = { model: 'agent/busy-reject', input: 'Two', conversation: first.conversation!.id };
    expect(await thrownBy(quick.responses.create(again))).toBeInstanceOf(OpenAI.ConflictError);
    await releaseUntil(async () => (await statusOf(first.id)) === 'completed');
    expect(await second()).toMatchObject({ status: 'queued' });
  });

  it('waits in the line where the agent says so, and is answered with the first answer in view', async () => {
    const { first, second } = await sendTwo('enqueue');
    const queued = await second();
    expect(queued.status).toBe('queued');
    await releaseUntil(async () => (await statusOf(queued.id)) === 'completed');
    expect(await statusOf(first.id)).toBe('completed');
    expect(lastDialogue()).toEqual(['user: One', `assistant: ${Answer}`, 'user: Two']);
  });

  it('interrupts where the agent says so, and what was said of the first answer stays', async () => {
    const { first, second, conversation } = await sendTwo('interrupt');
    const next = await second();
    await releaseUntil(async () => (await statusOf(next.id)) === 'completed');
    expect(await statusOf(first.id)).toBe('cancelled');
    const dialogue = lastDialogue();
    expect([dialogue[0], dialogue.at(-1)]).toEqual(['user: One', 'user: Two']);
    const items = await collect(client.conversations.items.list(conversation, { order: 'asc' }));
    expect(items.at(-1)).toMatchObject({ role: 'assistant', status: 'completed' });
  });
});

describe('embeddings', () => {
  it.each([EmbeddingModel, HashEmbeddingModel])('of %s are the same numbers as floats and as base64', async (model) => {
    const input = ['a text', 'another, longer text'];
    // Without a format the SDK asks for base64 and decodes it.
    const decoded = await client.embeddings.create({ model, input });
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
    expect(decoded.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(decoded.data.map(({ embedding }) => embedding.map(Math.fround))).toEqual(
      floats.data.map(({ embedding }) => embedding.map(Math.fround)),
    );
    expect(decoded.data[0]!.embedding.length).toBeGreaterThan(2);
    expect(floats.usage.prompt_tokens).toBeGreaterThan(0);
  });
});

describe('errors', () => {
  const ask = (api: OpenAI, more: object = {}) =>
    api.chat.completions.create({ model: PlainModel, messages: [{ role: 'user', content: 'Hi' }], ...more });

  it('a wrong key is an AuthenticationError', async () => {
    const stranger = home.platform.openai({ slug: home.tenant.slug, key: `${home.tenant.key.slice(0, -1)}!` });
    const error = await thrownBy(ask(stranger));
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it.each(['no-such-model', 'agent/nobody'])('the unknown model %s is a NotFoundError on both APIs', async (model) => {
    for (const work of [ask(client, { model }), client.responses.create({ model, input: 'Hi' })]) {
      const error = await thrownBy(work);
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
    }
  });

  it('a value out of range is a BadRequestError that names the field', async () => {
    const error = await thrownBy(ask(client, { temperature: 9 }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ param: 'temperature', type: 'invalid_request_error' });
  });

  it('a key without the permission is a PermissionDeniedError', async () => {
    const { secret } = await home.platform
      .client(home.tenant)
      .require<{ secret: string }>('POST', '/v1/keys', { name: 'reader', permissions: ['usage:read'] });
    const error = await thrownBy(ask(home.platform.openai({ slug: home.tenant.slug, key: secret })));
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
  });

  it.each(models)('a node that refuses to serve %s is a 503', async (model) => {
    script({ refuse: { status: 503, body: { error: { message: 'overloaded' } } } });
    for (const work of [ask(client, { model }), thrownByStream(model)]) {
      const error = await thrownBy(work);
      expect(error).toBeInstanceOf(OpenAI.InternalServerError);
      expect(error).toMatchObject({ status: 503 });
    }
  });

  it('a node that answers garbage is a 502', async () => {
    script({ body: () => ({ what: 'is this' }) });
    const error = await thrownBy(ask(client));
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({ status: 502, code: 'upstream_invalid' });
  });

  async function thrownByStream(model: string): Promise<unknown> {
    // An agent's stream has begun before the node is asked: its error comes inside and has no status of its own.
    if (model === AgentModel) return ask(client, { model });
    return ask(client, { model, stream: true });
  }
});

function idOf(events: readonly StreamEvent[]): string {
  const [first] = events;
  if (first?.type !== 'response.created') throw new Error('A stream begins with response.created');
  return first.response.id;
}

function expectWholeLog(events: readonly StreamEvent[]): void {
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
  expect(events.filter(({ type }) => terminalEvents.includes(type))).toHaveLength(1);
  expect(terminalEvents).toContain(events.at(-1)?.type);
}

/** The node may not have come to its pause yet when it is released: released until the condition holds. */
async function releaseUntil(met: () => Promise<boolean>): Promise<void> {
  await waitUntil('the released answer', () => {
    home.node.release();
    return met();
  });
}
