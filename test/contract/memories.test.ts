/** Memories over the wire: refusals, batches, proofs, exports that verify, forgetting with a certificate, bad input. */
import { createHash } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyExport } from '../../scripts/verify-memory.ts';
import {
  ForgetCertificateType,
  inclusionProof,
  signedForgetting,
  type Memory,
} from '../../shared/contracts/memories.ts';
import { checkInclusion } from '../../shared/store/memory-proof.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

let platform: TestPlatform;
let acme: CreatedTenant;
let client: ReturnType<TestPlatform['client']>;

beforeAll(async () => {
  platform = await startTestPlatform();
  acme = await platform.createTenant('acme');
  client = platform.client(acme);
});
afterAll(() => platform.stop());

const call = (method: string, path: string, body?: object) =>
  platform.call(method, 'acme.localhost', path, { token: acme.key, ...(body ? { body } : {}) });
/** A test that is tried again has agents of its own. */
let made = 0;
const newAgent = async (slug: string) =>
  (await client.require<{ id: string }>('POST', '/v1/agents', { slug, name: slug })).id;
const remember = (slug: string, text: string, partial: object = {}) =>
  client.require<Memory>('POST', `/v1/agents/${slug}/memories`, { text, ...partial });

describe('memories', () => {
  test('a refused one is an error that says why, and in a batch an answer of its own', async () => {
    await newAgent('gate');
    await remember('gate', 'The office closes at six.');
    const again = await call('POST', '/v1/agents/gate/memories', { text: 'the office closes at six' });
    expect(again.status).toBe(422);
    expect(again.json()).toMatchObject({ error: { code: 'memory_refused', param: 'duplicate' } });
    const batch = await client.require<{ data: { accepted: boolean; reason?: string }[] }>(
      'POST',
      '/v1/agents/gate/memories/batch',
      { memories: [{ text: 'thanks' }, { text: 'The office opens at nine.' }] },
    );
    expect(batch.data.map(({ accepted, reason }) => reason ?? accepted)).toEqual(['low_information', true]);
    expect((await client.require<{ data: Memory[] }>('GET', '/v1/agents/gate/memories')).data).toHaveLength(2);
  });

  const megabyte = 'much '.repeat(200_000);
  test.each([
    ['an empty text', '', { text: ' ' }, 'text'],
    ['a text of a megabyte', '', { text: megabyte }, 'text'],
    ['a kind that there is none of', '', { text: 'A fact.', kind: 'rumour' }, 'kind'],
    ['a confidence that is no number', '', { text: 'A fact.', confidence: 'NaN' }, 'confidence'],
    [
      'a text of a megabyte among others',
      '/batch',
      { memories: [{ text: 'A fact.' }, { text: megabyte }] },
      'memories.1.text',
    ],
    ['an empty query', '/recall', { query: ' ' }, 'query'],
    ['a query of a megabyte', '/recall', { query: megabyte }, 'query'],
    ['a filter on an unknown field', '/recall', { query: 'A fact?', filter: { mood: 'glad' } }, 'filter.mood'],
    ['a filter with an operator', '/recall', { query: 'A fact?', filter: { kind: { $ne: 'fact' } } }, 'filter.kind'],
    ['a time that is none', '/recall', { query: 'A fact?', filter: { after: 'noon' } }, 'filter.after'],
    ['a limit beyond the most', '/recall', { query: 'A fact?', limit: 1e9 }, 'limit'],
    ['nothing to forget', '/forget', {}, 'body'],
    ['an unknown field to forget by', '/forget', { filter: { mood: 'glad' } }, 'filter.mood'],
    ['a model without a name', '/embedding', { model: ' ' }, 'model'],
  ])('%s is refused by its name, and nothing is written', async (_, path, body, param) => {
    const agent = await newAgent(`bad-${(made += 1)}`);
    const answer = await call('POST', `/v1/agents/${agent}/memories${path}`, body);
    expect(answer.status, answer.text).toBe(400);
    expect(answer.json()).toMatchObject({ error: { code: 'invalid_request', param } });
    expect(await client.require('GET', `/v1/agents/${agent}/memories/counters`)).toMatchObject({ live: 0, written: 0 });
  });

  test('are listed by what they are about', async () => {
    await newAgent('lists');
    await remember('lists', 'Ada likes tea.', { subject: 'ada', tags: ['drinks'] });
    await remember('lists', 'Bob likes milk.', { subject: 'bob', kind: 'event' });
    for (const [query, expected] of [
      ['subject=ada', ['Ada likes tea.']],
      ['tag=drinks', ['Ada likes tea.']],
      ['kind=event', ['Bob likes milk.']],
      ['scope=shared', []],
      ['recorded_before=2000-01-01T00:00:00Z', []],
    ] as const) {
      const { data } = await client.require<{ data: Memory[] }>('GET', `/v1/agents/lists/memories?${query}`);
      expect(
        data.map(({ text }) => text),
        query,
      ).toEqual(expected);
    }
  });

  test('are proven, exported and verified without the platform; a changed, cut or reordered export is found', async () => {
    await newAgent('proofs');
    const made = [];
    for (let at = 0; at < 5; at++) made.push(await remember('proofs', `Fact number ${at}.`, { subject: 'facts' }));
    await client.require('DELETE', `/v1/agents/proofs/memories/${made[2]!.id}`);
    const path = `/v1/agents/proofs/memories/${made[1]!.id}/proof`;
    const proof = inclusionProof.parse(await client.require('GET', path));
    expect(proof).toMatchObject({ hash: made[1]!.hash, leaf_index: 1, tree_size: 5, checkpoint: null });
    expect(checkInclusion(proof)).toBe(true);
    const exported = await call('GET', '/v1/agents/proofs/memories/export');
    expect(exported.text).not.toContain('Fact number 2');
    const lines = exported.text.trimEnd().split('\n');
    const head = made[4]!.hash;
    expect(await verifyExport(lines, made[3]!.hash)).toEqual({ valid: true, entries: 5, head });
    expect(await verifyExport(lines, 'f'.repeat(64))).toMatchObject({ valid: false });
    expect(await verifyExport(lines.slice(0, -1))).toMatchObject({ valid: false, line: 6 });
    expect(await verifyExport(lines.toSpliced(1, 1))).toMatchObject({ valid: false, line: 2 });
    expect(await verifyExport(lines.toSpliced(4, 1))).toMatchObject({ valid: false });
    expect(await verifyExport(lines.with(0, lines[1]!).with(1, lines[0]!))).toMatchObject({ valid: false, line: 1 });
    expect(await verifyExport(lines.with(3, lines[3]!.replace('number 3', 'number 4')))).toMatchObject({ line: 4 });
    expect(await verifyExport(lines.with(3, lines[3]!.replace('"facts"', '"others"')))).toMatchObject({ line: 4 });
    expect(await verifyExport([...lines, lines[0]!])).toMatchObject({ valid: false, line: 7 });
    expect(await client.require('GET', '/v1/agents/proofs/memories/verify?incremental=true')).toMatchObject({
      valid: true,
    });
  });

  test('are forgotten with a certificate that the platform signed', async () => {
    const agent = await newAgent('certificates');
    const ada = await remember('certificates', 'Ada likes tea.', { subject: 'ada' });
    const summary = await remember('certificates', 'Somebody likes tea.', { kind: 'summary', sources: [ada.id] });
    await remember('certificates', 'Bob likes milk.');
    const forgotten = signedForgetting.parse(
      await client.require('POST', '/v1/agents/certificates/memories/forget', { subject: 'ada' }),
    );
    expect(forgotten).toMatchObject({ tenant: acme.id, agent, forgotten: [ada.id, summary.id] });
    const jwks = (await platform.call('GET', 'localhost', '/.well-known/jwks.json')).json() as JSONWebKeySet;
    const { payload } = await jwtVerify(forgotten.signature, createLocalJWKSet(jwks), { typ: ForgetCertificateType });
    const digest = createHash('sha256').update(forgotten.forgotten.join('\n')).digest('hex');
    expect(payload).toMatchObject({ tenant: acme.id, agent, count: 2, ids_sha256: digest, head: forgotten.head });
    for (const { id } of [ada, summary]) {
      expect((await call('GET', `/v1/agents/certificates/memories/${id}`)).status).toBe(404);
    }
    const found = await client.require<{ data: Memory[] }>('POST', '/v1/agents/certificates/memories/recall', {
      query: 'Who likes tea?',
    });
    expect(found.data.map(({ text }) => text)).toEqual(['Bob likes milk.']);
  });

  test('do not come back by the Idempotency-Key that they were written with', async () => {
    await newAgent('replay');
    const text = 'The password is swordfish.';
    const send = () =>
      platform.call('POST', 'acme.localhost', '/v1/agents/replay/memories', {
        token: acme.key,
        body: { text },
        headers: { 'idempotency-key': 'the-same-key' },
      });
    const [first, second] = [await send(), await send()];
    expect(second.text).toBe(first.text);
    await client.require('POST', '/v1/agents/replay/memories/forget', { all: true });
    const third = await send();
    expect([third.status, third.text.includes('swordfish')]).toEqual([409, false]);
  });

  test('go with their agent, also from what is shared', async () => {
    await newAgent('leaving');
    await newAgent('staying');
    await remember('leaving', 'The safe is behind the painting.', { scope: 'shared' });
    const query = { query: 'Where is the safe?' };
    const ask = () => client.require<{ data: Memory[] }>('POST', '/v1/agents/staying/memories/recall', query);
    expect((await ask()).data).toHaveLength(1);
    await client.require('DELETE', '/v1/agents/leaving');
    expect((await ask()).data).toEqual([]);
  });

  test.each([
    ['POST', '', { text: '   ' }, 'text'],
    ['POST', '', { text: 'x'.repeat(8_001) }, 'text'],
    ['POST', '', { text: 'x'.repeat(1_000_000) }, 'text'],
    ['POST', '/recall', { query: 'x'.repeat(1_000_000) }, 'query'],
    ['POST', '/embedding', { model: '' }, 'model'],
    ['POST', '/embedding', {}, 'model'],
    ['POST', '/recall', { query: 'q', rerank: {} }, null],
    ['POST', '', { text: 'A fact of note.', readers: ['*'] }, 'readers'],
    ['POST', '', { text: 'A fact of note.', author: 'system' }, null],
    ['POST', '/batch', { memories: [] }, 'memories'],
    ['POST', '/recall', { query: 'q', filter: { agent: 'x' } }, null],
    ['POST', '/recall', { query: 'q', filter: { kind: { $ne: 'fact' } } }, null],
    ['POST', '/recall', { query: 'q', filter: { $or: [] } }, null],
    ['POST', '/recall', { query: 'q', limit: 1e9 }, 'limit'],
    ['POST', '/recall', { query: 'q', as_of: 'yesterday' }, 'as_of'],
    ['POST', '/forget', {}, null],
    ['POST', '/forget', { filter: {} }, null],
    ['POST', '/forget', { all: true, subject: 'ada' }, null],
    ['GET', '?recorded_after=soon', undefined, 'recorded_after'],
  ])('%s …/memories%s %j is refused', async (method, path, body, param) => {
    await call('POST', '/v1/agents', { slug: 'strict', name: 'strict' });
    const answer = await call(method, `/v1/agents/strict/memories${path}`, body);
    expect([answer.status, answer.text]).toEqual([400, expect.any(String)]);
    if (param !== null) expect((answer.json() as { error: { param: string } }).error.param).toContain(param);
  });
});
