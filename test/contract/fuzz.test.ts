/**
 * Whatever arrives at any operation, the answer is one that the document declares: no fault of ours, no undocumented
 * status, no answer of another shape, nothing accepted that the schema forbids. (F-1)
 * FREEHOLD_SEED draws others, FUZZ_RUNS sets how many.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fillPath, readApi, type Api, type Operation } from '../support/api-operations.ts';
import { sampleBodies } from '../support/api-samples.ts';
import { populateTenant, type PopulatedTenant } from '../support/populated-tenant.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';
import { seed } from '../support/seeded-random.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 10_000);
const Clients = 16;

type FuzzRequest = {
  readonly path: string;
  readonly host: string;
  readonly token: string | undefined;
  readonly text: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
};

let platform: TestPlatform;
let api: Api;
let tenant: PopulatedTenant;
/** What the operator's operations act on, so that suspending it stops nobody else. */
let victim: { readonly id: string; readonly slug: string };
let tried = 0;

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
});
beforeEach(async () => {
  tried += 1;
  tenant = await populateTenant(platform, `fuzz-${tried}`);
  victim = await platform.createTenant(`victim-${tried}`);
});
afterAll(() => platform.stop());

const nastyTexts = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\u202e\ufeff\u200b',
  '💥'.repeat(50),
  'é'.repeat(300),
  "' OR 1=1; DROP TABLE keys; --",
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '${jndi:ldap://x}',
  '{{7*7}}',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e400',
  '0x10',
  'true',
  'a'.repeat(10_000),
  '9999-12-31T23:59:59.999Z',
  '0000-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  'agent/',
  'agent/nobody',
  '*',
  'default',
  '\r\nx: y',
] as const;
const nastyKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'tenant_id',
  'id',
  'role',
  '',
  ' ',
  'a.b',
  '$where',
  '\u0000',
  '\ud800',
];
const nastyPaths = [
  '%00',
  '%ff',
  '%',
  '%zz',
  '%2e%2e',
  '..',
  '%2F',
  'a%2Fb',
  '%20',
  '%0d%0a',
  '__proto__',
  "'",
  '%F0%9F%92%A5',
  'a'.repeat(300),
  '~',
  ':',
  '@',
  '*',
];

const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...nastyTexts),
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    -1,
    0.5,
    2 ** 31,
    2 ** 53,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    -(2 ** 63),
    [],
    {},
    [[]],
    [null],
    { a: { b: {} } },
  ),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer({ min: 2, max: 200 }).map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown),
);

type Mutation = {
  readonly where: number;
  readonly kind: 'replace' | 'remove' | 'add' | 'wrap';
  readonly key: string;
  readonly value: unknown;
};
const mutation: fc.Arbitrary<Mutation> = fc.record({
  where: fc.nat(),
  kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'wrap'),
  key: fc.constantFrom(...nastyKeys),
  value: nasty,
});

/** Applies a mutation at one of the value's places, counted in order. */
function mutate(value: unknown, { where, kind, key, value: other }: Mutation): unknown {
  const root = { root: structuredClone(value) } as Record<string, unknown>;
  const places: [Record<string, unknown>, string][] = [];
  const collect = (holder: Record<string, unknown>) => {
    for (const name of Object.keys(holder)) {
      places.push([holder, name]);
      const member = holder[name];
      if (typeof member === 'object' && member !== null) collect(member as Record<string, unknown>);
    }
  };
  collect(root);
  const [holder, name] = places[where % places.length]!;
  const target = holder[name];
  if (kind === 'remove' && holder !== root) delete holder[name];
  else if (kind === 'wrap') holder[name] = [target];
  else if (kind === 'add' && typeof target === 'object' && target !== null && !Array.isArray(target)) {
    Object.defineProperty(target, key, { value: other, enumerable: true, configurable: true, writable: true });
  } else holder[name] = other;
  return root['root'];
}

function bodyText(operation: Operation): fc.Arbitrary<string | undefined> {
  if (!operation.body) return fc.constantFrom(undefined, undefined, undefined, '{}', 'x');
  const raw = fc.constantFrom(
    '',
    '{',
    '[]',
    'null',
    '""',
    '0',
    '{"a":1,"a":2}',
    '\ufeff{}',
    '{"__proto__":{"x":1}}',
    'a.b.c',
    'e30.e30.e30',
    '1e400',
    '{}{}',
  );
  if (operation.body.media !== 'application/json')
    return fc.oneof(raw, fc.base64String(), fc.string({ unit: 'binary', maxLength: 100 }));
  const sample = sampleBodies[operation.id];
  const generated = api.schemas.arbitrary(operation.body.schema);
  const whole = sample
    ? fc.oneof(
        fc.nat().map(() => sample(tenant) as unknown),
        generated,
      )
    : generated;
  const mutated = fc
    .tuple(whole, fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([value, all]) => all.reduce(mutate, value));
  const numbers = fc.tuple(
    whole,
    fc.constantFrom('1e400', '-0', '1E-400', '123456789012345678901234567890', '1.0000000000000001'),
  );
  return fc.oneof(
    { weight: 3, arbitrary: whole.map((value) => JSON.stringify(unbounded(value))) },
    { weight: 6, arbitrary: mutated.map((value) => JSON.stringify(unbounded(value))) },
    { weight: 1, arbitrary: numbers.map(([value, number]) => JSON.stringify(value).replace(/:\d+/, `:${number}`)) },
    { weight: 1, arbitrary: raw },
  );
}

/** A budget that was made by chance must not starve what the fuzzer tries after it. */
function unbounded(body: unknown): unknown {
  const limited = typeof body === 'object' && body !== null && 'limit_micros' in body;
  return limited && typeof body.limit_micros === 'number' && body.limit_micros >= 0
    ? { ...body, limit_micros: Math.max(body.limit_micros, 1e12) }
    : body;
}

function requestOf(operation: Operation): fc.Arbitrary<FuzzRequest> {
  const own: Record<string, string> =
    operation.access === 'operator' ? { ...tenant.ids, tenant: victim.id } : { ...tenant.ids };
  const param = (name: string) =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(encodeURIComponent(own[name] ?? 'x')) },
      { weight: 2, arbitrary: fc.constantFrom(...nastyPaths) },
      { weight: 1, arbitrary: fc.constantFrom(...Object.values(own)).map(encodeURIComponent) },
      { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 30 }).map(encodeURIComponent) },
    );
  const params = fc.record(Object.fromEntries(operation.pathParams.map((name) => [name, param(name)])));
  const text = fc
    .oneof(fc.constantFrom(...nastyTexts), fc.string({ unit: 'grapheme', maxLength: 20 }))
    .map((value) => encodeURIComponent(value.toWellFormed().slice(0, 2_000)));
  const queries = operation.queryParams.map(({ name, schema }) =>
    fc
      .option(
        fc.oneof(
          api.schemas
            .arbitrary(schema)
            .map((value) =>
              encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed()),
            ),
          text,
        ),
      )
      .map((value) => (value === null ? '' : `${name}=${value}`)),
  );
  const query = fc
    .tuple(fc.tuple(...queries), fc.option(text, { freq: 6 }))
    .map(([known, other]) =>
      [...known, other === null ? '' : `other=${other}&${other}`].filter((part) => part !== '').join('&'),
    );
  const headers = fc.record(
    {
      accept: fc.constantFrom('application/problem+json', 'text/html', '*/*', 'application/xml'),
      'content-type': fc.constantFrom(
        'application/json',
        'application/json; charset=utf-16',
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'APPLICATION/JSON',
        ';',
        'application/problem+json',
      ),
      'idempotency-key': fc.oneof(fc.constantFrom('"a"', '""', '"', 'a b', 'é', 'x'.repeat(300)), fc.uuid()),
      traceparent: fc.constantFrom('00-0-0-0', '00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01', 'x'),
      'x-forwarded-host': fc.constant(`${victim.slug}.localhost`),
      'x-http-method-override': fc.constant('DELETE'),
      range: fc.constant('bytes=0-1'),
      'if-none-match': fc.constant('*'),
      'last-event-id': fc.constant('-1'),
      cookie: fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).filter((value) => /^[\x20-\x7e]*$/.test(value)),
    },
    { requiredKeys: [] },
  );
  const credential = operation.access === 'operator' ? platform.secrets.operator_token : tenant.key;
  const token = fc.oneof(
    { weight: 12, arbitrary: fc.constant<string | undefined>(credential) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<string | undefined>(
        undefined,
        tenant.visitor,
        `${credential}x`,
        'fh_',
        'ey.ey.ey',
        `ey${'a'.repeat(9_000)}`,
        '\u00e9',
      ),
    },
  );
  const host = fc.constant(hostOf(operation));
  const sparse = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers });
  return fc
    .record({ params, query, host, token, text: bodyText(operation), headers: sparse })
    .map(({ params: filled, query: asked, ...rest }) => ({
      ...rest,
      path:
        operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => filled[name]!) + (asked === '' ? '' : `?${asked}`),
    }));
}

function hostOf(operation: Operation): string {
  return operation.host === 'apex' ? 'localhost' : `${tenant.slug}.localhost`;
}

/** A request as a caller means it. */
function plainRequestOf(operation: Operation): FuzzRequest {
  const isOperators = operation.access === 'operator';
  const sample = sampleBodies[operation.id];
  return {
    path: fillPath(operation.path, isOperators ? { ...tenant.ids, tenant: victim.id } : tenant.ids),
    host: hostOf(operation),
    token: isOperators ? platform.secrets.operator_token : tenant.key,
    text: sample && JSON.stringify(sample(tenant)),
    headers: {},
  };
}

function send(operation: Operation, request: FuzzRequest): Promise<Answer> {
  return platform.call(operation.method, request.host, request.path, {
    ...(request.token === undefined ? {} : { token: request.token }),
    ...(request.text === undefined ? {} : { rawBody: request.text }),
    headers: request.headers,
  });
}

/** One value; lines of JSON are not. */
function isJsonMedia(media: string): boolean {
  return /[/+]json$/.test(media);
}

/** What is wrong with the answer, or undefined. */
function findFault(operation: Operation, request: FuzzRequest, answer: Answer): string | undefined {
  const { status, text, headers } = answer;
  if (status >= 500) return `${status} ${text.slice(0, 300)}`;
  const media = String(headers['content-type']).split(';')[0]!;
  const declared = operation.responses[String(status)];
  if (!declared) return `undocumented status ${status} ${text.slice(0, 200)}`;
  if (status === 304) return text === '' ? undefined : 'a 304 with a body';
  const content = declared[media];
  if (!content) return `undocumented type ${media} of a ${status}`;
  if (!/^req_[0-9a-z]{26}$/.test(String(headers['x-request-id']))) return 'no request id';
  if (status >= 400 && !isJsonMedia(media)) return `an error as ${media}`;
  if (isJsonMedia(media)) {
    const violation = api.schemas.findViolation(content.schema, JSON.parse(text));
    if (violation) return `${status} breaks its schema: ${violation}; ${text.slice(0, 300)}`;
  }
  return status < 300 ? findAccepted(operation, request) : undefined;
}

/** A body that was accepted although its schema forbids it. */
function findAccepted(operation: Operation, { text }: FuzzRequest): string | undefined {
  if (operation.body?.media !== 'application/json' || text === undefined || text === '') return undefined;
  // A member `__proto__` of a free map is dropped by the parser, as test/contract/mass-assignment.test.ts shows.
  const drop = (key: string, value: unknown) => (key === '__proto__' ? undefined : value);
  const body: unknown = JSON.parse(text.replace(/^\ufeff/, ''), drop);
  const violation = api.schemas.findViolation(operation.body.schema, body);
  return violation && `accepted what its schema forbids: ${violation}`;
}

/** Of how many operations chance must have had a good answer, so that it does not fuzz refusals alone. */
const reachedByChance = 0.5;

test('every operation answers a plain request with what is documented', async () => {
  const refused: string[] = [];
  for (const operation of api.operations.toSorted((a, b) => firstAt(a) - firstAt(b))) {
    const request = plainRequestOf(operation);
    const answer = await send(operation, request);
    expect(findFault(operation, request, answer), operation.id).toBeUndefined();
    if (answer.status >= 300 && !unreached.includes(operation.id)) {
      refused.push(`${operation.id} ${answer.status} ${answer.text.slice(0, 300)}`);
    }
  }
  expect(refused).toEqual([]);
});

test(`no request, however formed, gets an answer that is not documented (FREEHOLD_SEED=${seed})`, async () => {
  console.log(`fuzz: FREEHOLD_SEED=${seed} FUZZ_RUNS=${runs}`);
  const each = Math.ceil(runs / api.operations.length);
  const rounds = api.operations.map((operation, at) =>
    fc.sample(requestOf(operation), { numRuns: each, seed: seed + at }),
  );
  // What deletes comes in the last part, mixed with the rest, so that most requests meet something that is there.
  const queue = api.operations
    .flatMap((operation, at) =>
      rounds[at]!.map((request, round) => ({
        operation,
        request,
        order: firstAt(operation) + ((1 - firstAt(operation)) * round) / each,
      })),
    )
    .sort((a, b) => a.order - b.order);
  const faults: string[] = [];
  const statuses = new Map<number, number>();
  const succeeded = new Set<string>();
  let next = 0;
  const client = async () => {
    for (let job = queue[next++]; job; job = queue[next++]) {
      const { operation, request } = job;
      const answer = await send(operation, request);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status < 300) succeeded.add(operation.id);
      const fault = findFault(operation, request, answer);
      if (fault && faults.length < 15)
        faults.push(`${operation.id} ${fault}\n    ${JSON.stringify(request).slice(0, 700)}`);
    }
  };
  await Promise.all(Array.from({ length: Clients }, client));
  console.log(
    `fuzz: ${queue.length} requests, ${succeeded.size} of ${api.operations.length} operations reached, ${JSON.stringify(Object.fromEntries(statuses))}`,
  );
  expect(faults.join('\n')).toBe('');
  expect(succeeded.size).toBeGreaterThan(api.operations.length * reachedByChance);
});

/** What is inside another thing is deleted before it; a key that is revoked can no longer be rotated. */
function firstAt({ method, path, pathParams, id }: Operation): number {
  if (id === 'deleteTenant') return 0.995;
  if (method !== 'DELETE' && id !== 'revokeKey') return 0;
  return pathParams.length > 1 || !path.endsWith('}') || id === 'deleteResponse' ? 0.85 : 0.93;
}

/**
 * A bridge's signature, one of a hook's sender, and an archive's chain cannot be guessed, no stored response was started
 * in the background, what the operator acts on has no entries to be corrected, no month of a new tenant is over, a bridge
 * that is a key has no nodes, a tool is approved by the hash of what was read, the other decision comes first, the
 * built-in model chats and embeds and does nothing else, and no model is registered whose name could be guessed.
 */
const unreached = [
  'announce',
  'enrol',
  'openTunnel',
  'rotateBridgeKey',
  'settleReceipts',
  'receiveDelivery',
  'cancelResponse',
  'correctEntry',
  'closeInvoice',
  'importTenant',
  'importMemories',
  'denyApproval',
  'approveMcpTool',
  'drainNode',
  'resumeNode',
  'createCompletion',
  'createRerank',
  'createSpeech',
  'createTranscription',
  'tokenizeText',
  'rollBackModel',
  'unregisterModel',
];
