/** Who may deliver to a hook: every sender's scheme, by requests signed apart from the code under test. (O-8) */
import { describe, expect, test } from 'vitest';
import { findRequestFault, findSecretFault, identify } from '../../../durable-objects/tenant/hook-verification.ts';
import { hookVerification, type HookRequest, type HookVerification } from '../../../shared/contracts/hooks.ts';
import { mintWebhookKeyPair, mintWebhookSecret, signWebhook } from '../../../shared/core/standard-webhooks.ts';
import {
  makeDiscordApp,
  sendBearer,
  sendDiscord,
  sendGithub,
  sendGitlab,
  sendHmac,
  sendSlack,
  sendStandard,
  sendStripe,
  type SentRequest,
} from '../../support/sign-hook.ts';

const seconds = Math.floor(Date.now() / 1000);
const body = '{"id":"evt_1","type":"thing.done","n":1.0,"text":"ünïcödé 🦊"}';
const app = makeDiscordApp();
const whsec = mintWebhookSecret();
const plain = 'a-secret-of-the-test';

const toRequest = ({ headers, body: text }: SentRequest): HookRequest => ({
  headers,
  body: new Uint8Array(new TextEncoder().encode(text)),
});
const fault = (verification: HookVerification, secret: string, sent: SentRequest, at = seconds) =>
  findRequestFault(verification, secret, toRequest(sent), at * 1000);
const scheme = (value: object) => hookVerification.parse(value);

type Scheme = {
  readonly name: string;
  readonly verification: HookVerification;
  readonly secret: string;
  readonly otherSecret: string;
  readonly send: (secret: string, at: number, text: string) => SentRequest;
  /** Where the proof is; what is signed with a time is refused when it is old. */
  readonly proof: string;
  readonly timed: boolean;
  /** The proof covers the body. */
  readonly covers: boolean;
};

const timestamped = { scheme: 'hmac', header: 'x-signature', timestamp_header: 'x-timestamp' };
const hmacs = (['sha1', 'sha256', 'sha512'] as const).flatMap((algorithm) =>
  (['hex', 'base64'] as const).map((encoding) => ({
    name: `hmac ${algorithm} ${encoding}`,
    verification: scheme({ scheme: 'hmac', header: 'x-signature', algorithm, encoding, prefix: 'sig=' }),
    secret: plain,
    otherSecret: 'another-secret',
    send: (secret: string, _: number, text: string) => sendHmac(secret, text, { algorithm, encoding, prefix: 'sig=' }),
    proof: 'x-signature',
    timed: false,
    covers: true,
  })),
);
const common = { secret: plain, otherSecret: 'another-secret', timed: false, covers: true };
const schemes: readonly Scheme[] = [
  {
    ...common,
    name: 'standard webhooks',
    verification: scheme({ scheme: 'standard_webhooks' }),
    secret: whsec,
    otherSecret: mintWebhookSecret(),
    send: (secret, at, text) => sendStandard(secret, 'msg_1', at, text),
    proof: 'webhook-signature',
    timed: true,
  },
  {
    ...common,
    name: 'github',
    verification: scheme({ scheme: 'github' }),
    send: (secret, _, text) => sendGithub(secret, 'd-1', 'push', text),
    proof: 'x-hub-signature-256',
  },
  {
    ...common,
    name: 'gitlab',
    verification: scheme({ scheme: 'gitlab' }),
    send: (secret, _, text) => sendGitlab(secret, 'k-1', 'Push Hook', text),
    proof: 'x-gitlab-token',
    covers: false,
  },
  {
    ...common,
    name: 'slack',
    verification: scheme({ scheme: 'slack' }),
    send: sendSlack,
    proof: 'x-slack-signature',
    timed: true,
  },
  {
    ...common,
    name: 'discord',
    verification: scheme({ scheme: 'discord' }),
    secret: app.publicKey,
    otherSecret: makeDiscordApp().publicKey,
    send: (_, at, text) => sendDiscord(app, at, text),
    proof: 'x-signature-ed25519',
    timed: true,
  },
  {
    ...common,
    name: 'stripe',
    verification: scheme({ scheme: 'stripe' }),
    send: sendStripe,
    proof: 'stripe-signature',
    timed: true,
  },
  {
    ...common,
    name: 'hmac with a time',
    verification: scheme(timestamped),
    send: (secret, at, text) => sendHmac(secret, text, { seconds: at }),
    proof: 'x-signature',
    timed: true,
  },
  ...hmacs,
  {
    ...common,
    name: 'bearer',
    verification: scheme({ scheme: 'bearer' }),
    send: (secret, _, text) => sendBearer(secret, text),
    proof: 'authorization',
    covers: false,
  },
];

describe.each(schemes)('$name', ({ verification, secret, otherSecret, send, proof }) => {
  const good = send(secret, seconds, body);
  const altered = (change: (value: string) => string) => ({
    ...good,
    headers: { ...good.headers, [proof]: change(good.headers[proof]!) },
  });

  test('a request that is signed is accepted', async () => {
    expect(await fault(verification, secret, good)).toBeUndefined();
  });
  test('one for another secret is not', async () => {
    expect(await fault(verification, otherSecret, good)).toBe('mismatch');
  });
  test('nor one without its proof', async () => {
    const { [proof]: _, ...headers } = good.headers;
    expect(await fault(verification, secret, { ...good, headers })).toBe('missing');
  });
  test.each([
    ['cut', (value: string) => value.slice(0, -2)],
    ['longer', (value: string) => `${value}00`],
    ['empty', () => ''],
    ['of another form', () => 'v9,***'],
    ['very long', () => 'a'.repeat(20_000)],
  ])('nor one with a proof that is %s', async (_, change) => {
    expect(await fault(verification, secret, altered(change))).toBeTypeOf('string');
  });
});

test.each(schemes.filter(({ covers }) => covers))(
  '$name: a request whose body was written anew is refused',
  async ({ verification, secret, send }) => {
    const anew = { ...send(secret, seconds, body), body: JSON.stringify(JSON.parse(body)) };
    expect(await fault(verification, secret, anew)).toBe('mismatch');
  },
);

describe.each(schemes.filter(({ timed }) => timed))('$name', ({ verification, secret, send }) => {
  test.each([
    [-301, 'clock'],
    [301, 'clock'],
    [600, 'clock'],
    [-600, 'clock'],
    [-300, undefined],
    [300, undefined],
  ])('a request that is %s s away in time: %s', async (away, expected) => {
    expect(await fault(verification, secret, send(secret, seconds + away, body))).toBe(expected);
  });
});

describe('as its sender documents it', () => {
  test("GitHub's example", async () => {
    const sent = {
      headers: {
        'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      },
      body: 'Hello, World!',
    };
    expect(await fault(scheme({ scheme: 'github' }), "It's a Secret to Everybody", sent)).toBeUndefined();
  });
  test("Slack's example", async () => {
    const at = 1_531_420_618;
    const sent = {
      headers: {
        'x-slack-request-timestamp': String(at),
        'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      },
      body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    };
    expect(await fault(scheme({ scheme: 'slack' }), '8f742231b10e8888abcd99yyyzzz85a5', sent, at)).toBeUndefined();
  });
  test('Standard Webhooks with two signatures of which one fits, and with Ed25519', async () => {
    const pair = await mintWebhookKeyPair();
    const signed = await signWebhook({ id: 'msg_1', timestamp: seconds, body }, [
      mintWebhookSecret(),
      pair.privateKey,
      whsec,
    ]);
    const sent = sendStandard(whsec, 'msg_1', seconds, body);
    const both = { ...sent, headers: { ...sent.headers, 'webhook-signature': signed.ok ? signed.value : '' } };
    for (const key of [whsec, pair.publicKey])
      expect(await fault(scheme({ scheme: 'standard_webhooks' }), key, both)).toBeUndefined();
  });
});

describe('a delivery is known again', () => {
  const keys = (verification: HookVerification, sent: SentRequest) =>
    identify(verification, toRequest(sent), JSON.parse(sent.body)).keys;
  const same = (verification: HookVerification, one: SentRequest, two: SentRequest) =>
    keys(verification, one).some((key) => keys(verification, two).includes(key));

  test.each(schemes.filter(({ name }) => name !== 'bearer'))(
    '$name, the same request twice',
    ({ verification, secret, send }) => {
      expect(same(verification, send(secret, seconds, body), send(secret, seconds, body))).toBe(true);
    },
  );
  test("by the sender's name for it, at another time and with another body", () => {
    const other = '{"id":"evt_1","type":"thing.done","event_id":"x"}';
    const cases: readonly [object, SentRequest, SentRequest][] = [
      [
        { scheme: 'standard_webhooks' },
        sendStandard(whsec, 'msg_1', seconds, body),
        sendStandard(whsec, 'msg_1', seconds + 9, other),
      ],
      [{ scheme: 'github' }, sendGithub(plain, 'd', 'push', body), sendGithub(plain, 'd', 'push', other)],
      [{ scheme: 'gitlab' }, sendGitlab(plain, 'k', 'Push Hook', body), sendGitlab(plain, 'k', 'Push Hook', other)],
      [{ scheme: 'slack' }, sendSlack(plain, seconds, other), sendSlack(plain, seconds + 9, other)],
      [{ scheme: 'discord' }, sendDiscord(app, seconds, body), sendDiscord(app, seconds + 9, body)],
      [{ scheme: 'stripe' }, sendStripe(plain, seconds, body), sendStripe(plain, seconds + 9, other)],
      [
        { ...timestamped, delivery_id_header: 'x-delivery-id' },
        sendHmac(plain, body, { seconds, id: 'd' }),
        sendHmac(plain, other, { seconds: seconds + 9, id: 'd' }),
      ],
      [
        { scheme: 'bearer', delivery_id_header: 'x-delivery-id' },
        sendBearer(plain, body, 'd'),
        sendBearer(plain, other, 'd'),
      ],
    ];
    for (const [verification, one, two] of cases)
      expect([verification, same(scheme(verification), one, two)]).toEqual([verification, true]);
  });
  test('and not by a name that a thief could have changed', () => {
    const github = scheme({ scheme: 'github' });
    expect(same(github, sendGithub(plain, 'one', 'push', body), sendGithub(plain, 'two', 'push', body))).toBe(true);
    const hmac = scheme({ scheme: 'hmac', header: 'x-signature', delivery_id_header: 'x-delivery-id' });
    expect(same(hmac, sendHmac(plain, body, { id: 'one' }), sendHmac(plain, body, { id: 'two' }))).toBe(true);
  });
  test('two deliveries are two, also with the same body where each is named', () => {
    const other = body.replace('evt_1', 'evt_2');
    expect(
      same(
        scheme({ scheme: 'github' }),
        sendGithub(plain, 'one', 'push', body),
        sendGithub(plain, 'two', 'push', other),
      ),
    ).toBe(false);
    const standard = scheme({ scheme: 'standard_webhooks' });
    expect(same(standard, sendStandard(whsec, 'one', seconds, body), sendStandard(whsec, 'two', seconds, body))).toBe(
      false,
    );
    expect(same(scheme({ scheme: 'bearer' }), sendBearer(plain, body), sendBearer(plain, body))).toBe(false);
    expect(
      same(scheme({ scheme: 'stripe' }), sendStripe(plain, seconds, body), sendStripe(plain, seconds, other)),
    ).toBe(false);
  });
});

describe('a secret', () => {
  test.each([
    ['standard_webhooks', 'whsk_' + 'A'.repeat(43) + '='],
    ['standard_webhooks', 'not-a-secret'],
    ['discord', 'A'.repeat(64)],
    ['discord', 'ab'],
    ['github', 'with white space'],
    ['bearer', 'ünïcödé-secret'],
  ] as const)('of %s may not be %j', (name, value) => expect(findSecretFault(name, value)).toBeTypeOf('string'));
  test.each([
    ['standard_webhooks', whsec],
    ['discord', app.publicKey],
    ['slack', '8f742231b10e8888abcd99yyyzzz85a5'],
    ['stripe', 'whsec_test_secret'],
  ] as const)('of %s may be %s', (name, value) => expect(findSecretFault(name, value)).toBeUndefined());
});
