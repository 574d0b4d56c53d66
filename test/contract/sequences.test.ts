/**
 * Random sequences of calls against a model of what they should do: what was created is listed, what was changed is read,
 * what was deleted is not found, for ever, by whatever way it is asked for. (F-2)
 * SEQUENCES=500 lengthens it, FREEHOLD_SEED draws others.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { seed } from '../support/seeded-random.ts';

const Sequences = Number(process.env['SEQUENCES'] ?? 20);
const CallsEach = 20;

type Item = { readonly id: string; readonly text: string };
type Known = { metadata: Record<string, string>; items: Item[]; isDeleted: boolean };
type Model = Map<string, Known>;
type Answer = { readonly status: number; readonly json: () => unknown };
type List<T> = { readonly data: readonly T[]; readonly has_more: boolean };
type Stored = { readonly id: string; readonly content: readonly { readonly text: string }[] };

let platform: TestPlatform;
let tenant: CreatedTenant;

beforeAll(async () => {
  console.log(`sequences: FREEHOLD_SEED=${seed} SEQUENCES=${Sequences}`);
  platform = await startTestPlatform();
  tenant = await platform.createTenant('acme');
});
afterAll(() => platform.stop());

const call = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<Answer> =>
  platform.call(method, 'acme.localhost', `/v1/conversations${path}`, { token: tenant.key, ...(body ? { body } : {}) });

const items = (texts: readonly string[]) => texts.map((content) => ({ role: 'user', content }));
const toItem = ({ id, content }: Stored): Item => ({ id, text: content[0]!.text });

async function readItems(id: string): Promise<Item[]> {
  const answer = await call('GET', `/${id}/items?order=asc&limit=100`);
  expect(answer.status).toBe(200);
  return (answer.json() as List<Stored>).data.map(toItem);
}

const text = fc.string({ minLength: 1, maxLength: 12 });
/** `pick` chooses among what there is; deleted ones are chosen as well. */
const step = fc.record({
  kind: fc.constantFrom('create', 'read', 'update', 'delete', 'list', 'add', 'items', 'remove', 'branch', 'answer'),
  pick: fc.nat(),
  text,
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function create(model: Model, body: object, expected: Omit<Known, 'isDeleted' | 'items'>): Promise<string> {
  const made = await call('POST', '', body);
  expect(made.status).toBe(200);
  const { id } = made.json() as { id: string };
  expect(model.has(id)).toBe(false);
  model.set(id, { ...expected, items: await readItems(id), isDeleted: false });
  return id;
}

/** One call, and whether it did what the model says. */
async function take(model: Model, { kind, pick, text: said }: Step): Promise<void> {
  const all = [...model.entries()];
  const [id, known] = all[pick % Math.max(1, all.length)] ?? [];
  if (kind === 'create' || id === undefined || !known) {
    const made = await create(model, { metadata: { said }, items: items([said, 'more']) }, { metadata: { said } });
    expect(model.get(made)!.items.map((item) => item.text)).toEqual([said, 'more']);
    return;
  }
  if (kind === 'list') {
    const answer = await call('GET', '?limit=100');
    const listed = (answer.json() as List<{ id: string }>).data
      .map((each) => each.id)
      .filter((each) => model.has(each));
    const living = all.filter(([, each]) => !each.isDeleted).map(([each]) => each);
    expect(listed.toSorted()).toEqual(living.toSorted());
    return;
  }
  const item = known.items[pick % Math.max(1, known.items.length)];
  const answer = await send(id, { kind, said, item });
  if (known.isDeleted) return expect(answer.status, `${kind} after the end`).toBe(404);
  expect(answer.status, kind).toBe(kind === 'remove' && !item ? 404 : 200);
  switch (kind) {
    case 'read':
      expect(answer.json()).toMatchObject({ id, metadata: known.metadata });
      break;
    case 'update':
      known.metadata = { said };
      break;
    case 'delete':
      known.isDeleted = true;
      break;
    case 'add':
      known.items.push(...(answer.json() as List<Stored>).data.map(toItem));
      break;
    case 'items':
      expect((answer.json() as List<Stored>).data.map(toItem)).toEqual(known.items);
      break;
    case 'remove':
      if (!item) break;
      known.items = known.items.filter((each) => each.id !== item.id);
      expect((await call('GET', `/${id}/items/${item.id}`)).status).toBe(404);
      break;
    case 'branch': {
      const branch = (answer.json() as { id: string }).id;
      const past = item ? known.items.slice(0, known.items.indexOf(item) + 1) : [];
      model.set(branch, { metadata: known.metadata, items: past, isDeleted: false });
      expect(await readItems(branch)).toEqual(past);
      break;
    }
    case 'answer':
      known.items = await readItems(id);
      expect(known.items.at(-2)!.text).toBe(said);
      break;
  }
}

type Sent = { readonly kind: Step['kind']; readonly said: string; readonly item: Item | undefined };

function send(id: string, { kind, said, item }: Sent): Promise<Answer> {
  switch (kind) {
    case 'update':
      return call('POST', `/${id}`, { metadata: { said } });
    case 'delete':
      return call('DELETE', `/${id}`);
    case 'add':
      return call('POST', `/${id}/items`, { items: items([said]) });
    case 'items':
      return call('GET', `/${id}/items?order=asc&limit=100`);
    case 'remove':
      return call('DELETE', `/${id}/items/${item?.id ?? 'msg_none'}`);
    case 'branch':
      return call('POST', `/${id}/branch`, item ? { item: item.id } : {});
    case 'answer':
      return platform.call('POST', 'acme.localhost', '/v1/responses', {
        token: tenant.key,
        body: { model: 'default', conversation: id, input: said },
      });
    default:
      return call('GET', `/${id}`);
  }
}

test('every sequence of calls leaves what the model says, and what was deleted stays gone', async () => {
  const sequence = fc.array(step, { minLength: CallsEach, maxLength: CallsEach });
  await fc.assert(
    fc.asyncProperty(sequence, async (steps) => {
      const model: Model = new Map();
      for (const each of steps) await take(model, each);
      for (const [id, { isDeleted }] of model) expect((await call('GET', `/${id}`)).status).toBe(isDeleted ? 404 : 200);
    }),
    { numRuns: Sequences, endOnFailure: true },
  );
});
