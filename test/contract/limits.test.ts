/**
 * Too much of anything is refused quickly, in the documented shape, and nobody else notices. (F-4; API4, ASVS 4.2.1)
 */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sendRaw, type RawAnswer } from '../support/raw-http.ts';
import { startTestPlatform, type Answer, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

const MaxBodyBytes = 10_485_760;
/** What a refusal may take on a busy machine of two cores. */
const QuickMs = 3_000;

let platform: TestPlatform;
let acme: CreatedTenant;
let other: CreatedTenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  [acme, other] = [await platform.createTenant('acme'), await platform.createTenant('other')];
});
afterAll(() => platform.stop());

const post = (path: string, rawBody: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
  platform.call('POST', 'acme.localhost', path, { token: acme.key, rawBody, headers });
const chat = (members: string) => `{"model":"default","messages":[{"role":"user","content":"hi"}],${members}}`;
const head = (path: string, lines: string, token = acme.key) =>
  `POST ${path} HTTP/1.1\r\nHost: acme.localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${lines}\r\n\r\n`;

function codeOf(answer: Answer): string {
  expect(answer.headers['content-type']).toBe('application/json');
  return (answer.json() as { error: { code: string } }).error.code;
}

/** Runs something heavy; meanwhile the other tenant is asked again and again, and must answer. */
async function besideOthers<T>(heavy: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  let running = true;
  const faults: string[] = [];
  const neighbour = async () => {
    let slowest = 0;
    do {
      const begun = performance.now();
      const { status } = await platform.call('GET', 'other.localhost', '/v1/agents', { token: other.key });
      slowest = Math.max(slowest, performance.now() - begun);
      if (status !== 200) faults.push(`the other tenant got ${status}`);
    } while (running);
    return slowest;
  };
  const watching = neighbour();
  const begun = performance.now();
  const value = await heavy().finally(() => {
    running = false;
  });
  const ms = performance.now() - begun;
  const slowest = await watching;
  expect(faults).toEqual([]);
  expect(slowest, 'the slowest answer to the other tenant').toBeLessThan(QuickMs);
  return { value, ms };
}

describe('a body that is too large', () => {
  test('by its declared length is refused before it is sent', async () => {
    const { value, ms } = await besideOthers(() =>
      sendRaw(platform.port, head('/v1/agents', `Content-Length: ${MaxBodyBytes + 1}`)),
    );
    expect(value.status).toBe(413);
    expect(value.text).toContain('payload_too_large');
    expect(ms).toBeLessThan(QuickMs);
  });

  test('by nothing, at the limit itself, is read', async () => {
    const body = (bytes: number) => `{"slug":"a","name":"${'x'.repeat(bytes - 22)}"}`;
    expect(body(100)).toHaveLength(100);
    const full = await post('/v1/agents', body(MaxBodyBytes));
    expect([full.status, codeOf(full)]).toEqual([400, 'invalid_request']);
  });

  test('in chunks without a declared length is refused as soon as the limit is passed', async () => {
    const piece = Buffer.alloc(65_536, 0x20);
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
    const { value, ms } = await besideOthers(() =>
      pour(head('/v1/agents', 'Transfer-Encoding: chunked'), chunk, 4 * MaxBodyBytes),
    );
    expect(value.status).toBe(413);
    expect(ms).toBeLessThan(2 * QuickMs);
  });

  test('is refused to a caller without a key as any other is: with 401', async () => {
    const answer = await sendRaw(platform.port, head('/v1/agents', `Content-Length: ${MaxBodyBytes + 1}`, 'nothing'));
    expect(answer.status).toBe(401);
  });

  test("to the operator's and the bridge's routes is refused as well", async () => {
    const ask = (path: string) =>
      sendRaw(
        platform.port,
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${platform.secrets.operator_token}\r\nContent-Length: ${MaxBodyBytes + 1}\r\n\r\n`,
      );
    const [operator, bridge] = [await ask('/operator/v1/tenants'), await ask('/bridge/v1/announce')];
    expect([operator.status, bridge.status]).toEqual([413, 413]);
  });
});

describe('a body that is a bomb', () => {
  const bombs: Readonly<
    Record<
      string,
      () => readonly [
        path: string,
        body: string | Buffer,
        statuses: readonly number[],
        headers?: Record<string, string>,
      ]
    >
  > = {
    '5 MB of opening brackets': () => ['/v1/agents', '['.repeat(5_000_000), [400]],
    '5 MB of opening braces with keys': () => ['/v1/agents', '{"a":'.repeat(1_000_000), [400]],
    'a million keys': () => [
      '/v1/agents',
      `{${Array.from({ length: 1_000_000 }, (_, at) => `"${at.toString(36)}":1`).join()}}`,
      [400],
    ],
    '100,000 keys that are passed on': () => [
      '/v1/chat/completions',
      chat(Array.from({ length: 100_000 }, (_, at) => `"k${at}":1`).join()),
      [200, 400],
    ],
    'a tool schema 100,000 levels deep': () => [
      '/v1/chat/completions',
      chat(
        `"tools":[{"type":"function","function":{"name":"f","parameters":${'{"properties":{"a":'.repeat(100_000)}{}${'}}'.repeat(100_000)}}}]`,
      ),
      [400],
    ],
    'metadata with 100,000 pairs': () => [
      '/v1/conversations',
      JSON.stringify({ metadata: Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, 'v'])) }),
      [400],
    ],
    'a number of a million digits': () => ['/v1/agents', `{"slug":"a","name":${'9'.repeat(1_000_000)}}`, [400]],
    'a string of nine million escapes': () => [
      '/v1/agents',
      `{"slug":"a","name":"${'\\u0041'.repeat(1_500_000)}"}`,
      [400],
    ],
    'a hundred thousand messages': () => [
      '/v1/chat/completions',
      `{"model":"default","messages":[${Array.from({ length: 100_000 }, () => '{"role":"user","content":"x"}').join()}]}`,
      [400],
    ],
    'a compressed body of 200 MB': () => [
      '/v1/agents',
      gzipSync(Buffer.alloc(200_000_000, 0x20)),
      [400, 415],
      { 'content-encoding': 'gzip' },
    ],
    'a multipart body of 100,000 parts': () => [
      '/v1/agents',
      '--x\r\n\r\n\r\n'.repeat(100_000),
      [415],
      { 'content-type': 'multipart/form-data; boundary=x' },
    ],
    'invalid UTF-8': () => ['/v1/agents', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), [400]],
    'an overlong encoding of a quote': () => ['/v1/agents', Buffer.from([0x7b, 0xc0, 0xa2, 0x7d]), [400]],
    'UTF-16': () => ['/v1/agents', Buffer.from('{"slug":"a","name":"b"}', 'utf16le'), [400]],
    'half of a surrogate pair': () => ['/v1/agents', '{"slug":"half","name":"\\ud800"}', [400]],
    'an item of four megabytes': () => [
      '/v1/conversations',
      JSON.stringify({
        items: [
          {
            role: 'user',
            content: Array.from({ length: 5 }, () => ({ type: 'input_text', text: 'x'.repeat(900_000) })),
          },
        ],
      }),
      [413],
    ],
    'a turn of nine megabytes': () => [
      '/v1/responses',
      JSON.stringify({
        model: 'default',
        input: Array.from({ length: 10 }, () => ({ role: 'user', content: 'x'.repeat(900_000) })),
      }),
      [413],
    ],
  };

  test.each(Object.keys(bombs))(
    'of %s is refused or served quickly, and the other tenant is served meanwhile',
    async (name) => {
      const [path, body, statuses, headers] = bombs[name]!();
      const { value, ms } = await besideOthers(() => post(path, body, headers));
      expect(statuses, value.text.slice(0, 200)).toContain(value.status);
      if (value.status !== 200) codeOf(value);
      expect(ms).toBeLessThan(QuickMs);
    },
  );

  test('leaves a memory chain whole: text with half of a surrogate pair is refused, any other text reads back as it was', async () => {
    const client = platform.client(acme);
    await client.require('POST', '/v1/agents', { slug: 'keeper', name: 'Keeper' });
    const half = await post('/v1/agents/keeper/memories', '{"text":"half \\ud83d"}');
    expect([half.status, codeOf(half)]).toEqual([400, 'invalid_json']);
    for (const [at, odd] of [
      'a\u0000b',
      '\ud83d\udca5 whole',
      '\\ud800 written out',
      '\u202e',
      'é'.repeat(4_000),
      '\u{10ffff}',
    ].entries()) {
      const text = `Remember ${at}: ${odd}`;
      const made = await client.require<{ id: string; text: string }>('POST', '/v1/agents/keeper/memories', { text });
      const read = await client.require<{ text: string }>('GET', '/v1/agents/keeper/memories/' + made.id);
      expect([made.text, read.text]).toEqual([text, text]);
    }
    expect(await client.require('GET', '/v1/agents/keeper/memories/verify')).toMatchObject({ valid: true, entries: 6 });
  });
});

describe('headers that are too many or too large', () => {
  let ordinary: Answer;
  beforeEach(async () => {
    ordinary = await platform.call('GET', 'acme.localhost', '/v1/agents', { token: acme.key });
    expect(ordinary.status).toBe(200);
  });
  const get = (lines: string) =>
    sendRaw(
      platform.port,
      `GET /v1/agents HTTP/1.1\r\nHost: acme.localhost\r\nAuthorization: Bearer ${acme.key}\r\n${lines}\r\nConnection: close\r\n\r\n`,
    );

  test.each<readonly [string, () => string]>([
    ['one of 128 KB', () => `X-Big: ${'a'.repeat(131_072)}`],
    ['10,000 of them', () => Array.from({ length: 10_000 }, (_, at) => `X-H${at}: v`).join('\r\n')],
    ['10,000 with one name', () => Array.from({ length: 10_000 }, () => 'X-H: some value').join('\r\n')],
    ['a name of 40 KB', () => `X-${'n'.repeat(40_000)}: v`],
    ['a cookie of 64 KB', () => `Cookie: a=${'b'.repeat(65_536)}`],
  ])('%s are refused', async (_name, lines) => {
    const { value, ms } = await besideOthers<RawAnswer>(() => get(lines()));
    expect([431, 400]).toContain(value.status);
    expect(ms).toBeLessThan(QuickMs);
  });

  test('are served where a real client could send them', async () => {
    expect((await get(Array.from({ length: 80 }, (_, at) => `X-H${at}: ${'v'.repeat(100)}`).join('\r\n'))).status).toBe(
      200,
    );
  });

  test('do not make a token of any length work, nor cost more than a refusal', async () => {
    const { value } = await besideOthers(() =>
      platform.call('GET', 'acme.localhost', '/v1/agents', { token: `ey${'a'.repeat(20_000)}` }),
    );
    expect(value.status).toBe(401);
  });
});

describe('an answer that would be too much', () => {
  test('is paged: a limit beyond the largest page is refused', async () => {
    for (const path of ['/v1/agents', '/v1/keys', '/v1/conversations']) {
      for (const limit of ['0', '-1', '101', '1e9', 'Infinity', 'NaN', '1.5', '0x10x']) {
        const answer = await platform.call('GET', 'acme.localhost', `${path}?limit=${limit}`, { token: acme.key });
        expect([answer.status, codeOf(answer)], `${path} ${limit}`).toEqual([400, 'invalid_request']);
      }
    }
  });

  test('with an Idempotency-Key is given even where it is too large to be kept', async () => {
    const items = [{ role: 'user', content: '語'.repeat(550_000) }];
    const answer = await post('/v1/conversations', '{}');
    const { id } = answer.json() as { id: string };
    const added = await post(`/v1/conversations/${id}/items`, JSON.stringify({ items }), {
      'idempotency-key': 'large',
    });
    expect(added.status, added.text.slice(0, 300)).toBe(200);
  });
});

/** Sends the same chunk until the server answers or closes, or `atMost` bytes have gone. */
function pour(start: string, chunk: Buffer, atMost: number): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(platform.port, '127.0.0.1');
    let text = '';
    let sent = 0;
    const finish = () => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    const more = () => {
      while (sent < atMost && text === '') {
        sent += chunk.length;
        if (!socket.write(chunk)) return void socket.once('drain', more);
      }
      // All is sent and nothing was said: it would be read for ever.
      setTimeout(finish, QuickMs).unref();
    };
    socket.on('connect', () => {
      socket.write(start);
      more();
    });
    socket.on('data', (data) => {
      text += Buffer.from(data).toString('latin1');
      if (text.includes('}}')) finish();
    });
    socket.on('error', () => {});
    socket.on('close', finish);
  });
}
