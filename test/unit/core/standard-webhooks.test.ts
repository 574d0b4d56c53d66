/** Standard Webhooks, both ways, in agreement with two independent implementations. (O-4) */
import { describe, expect, test } from 'vitest';
import { Webhook as Standard } from 'standardwebhooks';
import { Webhook as Svix } from 'svix';
import {
  findSignatureFault,
  findWebhookKeyFault,
  mintWebhookKeyPair,
  mintWebhookSecret,
  signWebhook,
} from '../../../shared/core/standard-webhooks.ts';

const secret = mintWebhookSecret();
const older = mintWebhookSecret();
const stranger = mintWebhookSecret();
const now = Math.floor(Date.now() / 1000);
const id = 'msg_1';
const bodies = {
  json: '{"type":"a.b","data":{"n":1.0}}',
  unicode: '{"text":"ünïcödé ✓ 🦊 \\u2028"}',
  empty: '',
  large: JSON.stringify({ text: 'x'.repeat(1_000_000) }),
};
const sign = async (
  keys: readonly string[],
  {
    body = bodies.json,
    timestamp = now,
    messageId = id,
  }: { body?: string; timestamp?: number; messageId?: string } = {},
) => {
  const signed = await signWebhook({ id: messageId, timestamp, body }, keys);
  if (!signed.ok) throw new Error(signed.failure.message);
  return signed.value;
};

type Delivery = { readonly id: string; readonly timestamp: string; readonly signature: string; readonly body: string };

const theirs = [
  ['standardwebhooks', Standard],
  ['svix', Svix],
] as const;
/** Whether each implementation accepts: ours, then both of theirs. */
async function verdicts(delivery: Delivery, key = secret): Promise<readonly boolean[]> {
  const headers = {
    'webhook-id': delivery.id,
    'webhook-timestamp': delivery.timestamp,
    'webhook-signature': delivery.signature,
  };
  const others = theirs.map(([, Webhook]) => {
    try {
      new Webhook(key).verify(delivery.body, headers);
      return true;
    } catch {
      return false;
    }
  });
  return [(await findSignatureFault(delivery, [key], now * 1000)) === undefined, ...others];
}

describe.each(Object.entries(bodies))('with a body that is %s', (name, body) => {
  // svix parses what it verified, and there is nothing to parse in nothing.
  const isParsed = name !== 'empty';
  const cases: readonly (readonly [string, () => Promise<Partial<Delivery>>, boolean])[] = [
    ['a good signature', async () => ({ signature: await sign([secret], { body }) }), true],
    ['two secrets, the fitting one second', async () => ({ signature: await sign([older, secret], { body }) }), true],
    ['the secret of another', async () => ({ signature: await sign([stranger], { body }) }), false],
    [
      'a time 301 s ago',
      async () => ({
        timestamp: String(now - 301),
        signature: await sign([secret], { body, timestamp: now - 301 }),
      }),
      false,
    ],
    [
      'a time 310 s ahead',
      async () => ({
        timestamp: String(now + 310),
        signature: await sign([secret], { body, timestamp: now + 310 }),
      }),
      false,
    ],
    ['the id of another message', async () => ({ id: 'msg_2', signature: await sign([secret], { body }) }), false],
    ['no signature', async () => ({ signature: '' }), false],
    [
      'a version that nobody knows',
      async () => ({ signature: (await sign([secret], { body })).replace('v1,', 'v2,') }),
      false,
    ],
  ];
  test.each(cases)('all three agree about %s', async (_, make, accepted) => {
    const delivery = { id, timestamp: String(now), signature: '', body, ...(await make()) };
    expect((await verdicts(delivery)).slice(0, isParsed ? 3 : 2)).toEqual(Array(isParsed ? 3 : 2).fill(accepted));
  });

  test.each(theirs)('what %s signs is accepted, and with one byte more is not', async (_, Webhook) => {
    const signature = new Webhook(secret).sign(id, new Date(now * 1000), body);
    const delivery = { id, timestamp: String(now), signature, body };
    expect(await findSignatureFault(delivery, [stranger, secret], now * 1000)).toBeUndefined();
    expect(await findSignatureFault({ ...delivery, body: `${body} ` }, [secret], now * 1000)).toBe('mismatch');
    expect(await findSignatureFault(delivery, [stranger], now * 1000)).toBe('mismatch');
  });

  test('an Ed25519 signature fits its public key and no other', async () => {
    const [pair, other] = [await mintWebhookKeyPair(), await mintWebhookKeyPair()];
    const signature = await sign([pair.privateKey, secret], { body });
    expect(signature).toMatch(/^v1a,[\w+/]{86}== v1,[\w+/]{43}=$/);
    const delivery = { id, timestamp: String(now), signature, body };
    expect(await findSignatureFault(delivery, [pair.publicKey], now * 1000)).toBeUndefined();
    expect(await findSignatureFault(delivery, [other.publicKey], now * 1000)).toBe('mismatch');
    const swapped = { ...delivery, signature: signature.replace('v1a,', 'v1,') };
    expect(await findSignatureFault(swapped, [pair.publicKey], now * 1000)).toBe('mismatch');
  });
});

describe('refused with its reason', () => {
  const delivery = async () => ({ id, timestamp: String(now), signature: await sign([secret]), body: bodies.json });
  test.each([
    ['no id', { id: null }, 'missing'],
    ['no time', { timestamp: null }, 'missing'],
    ['no signature', { signature: null }, 'missing'],
    ['a time that is no number', { timestamp: `${now}x` }, 'malformed'],
    ['a signature of the wrong length', { signature: 'v1,AAAA' }, 'mismatch'],
    ['an Ed25519 signature of the wrong length', { signature: 'v1a,AAAA' }, 'mismatch'],
    ['a signature that is no base64', { signature: 'v1,***' }, 'mismatch'],
    ['a signature without version', { signature: 'AAAA' }, 'mismatch'],
    ['a body written anew', { body: JSON.stringify(JSON.parse(bodies.json)) }, 'mismatch'],
  ] as const)('%s', async (_, change, fault) => {
    expect(await findSignatureFault({ ...(await delivery()), ...change }, [secret], now * 1000)).toBe(fault);
  });
  test.each([
    [-300, undefined],
    [-301, 'clock'],
    [300, undefined],
    [301, 'clock'],
  ])('a clock that is off by %s s', async (seconds, fault) => {
    expect(await findSignatureFault(await delivery(), [secret], (now + seconds) * 1000)).toBe(fault);
  });
});

describe('a secret or key', () => {
  const bytes = (count: number) => Buffer.alloc(count, 7).toString('base64');
  test.each([
    `whsec_${bytes(24)}`,
    `whsec_${bytes(64)}`,
    `whsk_${bytes(64)}`,
    `whsk_${bytes(32)}`,
    `whpk_${bytes(32)}`,
  ])('may be %s', (text) => expect(findWebhookKeyFault(text)).toBeUndefined());
  test.each([
    `whsec_${bytes(23)}`,
    `whsec_${bytes(65)}`,
    `whpk_${bytes(31)}`,
    `whsk_${bytes(48)}`,
    bytes(32),
    'whsec_*',
    '',
  ])('may not be %j', (text) => expect(findWebhookKeyFault(text)).toBeTypeOf('string'));
  test('that only verifies does not sign', async () => {
    const { publicKey } = await mintWebhookKeyPair();
    expect(await signWebhook({ id, timestamp: now, body: '' }, [publicKey])).toMatchObject({ ok: false });
  });
});
