/** Requests as the senders of hooks make them, written here a second time, apart from the code that verifies them. */
import { createHmac, generateKeyPairSync, sign as signWith, type KeyObject } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

export type SentRequest = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

const mac = (algorithm: string, secret: string, text: string) => createHmac(algorithm, secret).update(text);

export function sendStandard(secret: string, id: string, seconds: number, body: string): SentRequest {
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': new Webhook(secret).sign(id, new Date(seconds * 1000), body),
    },
    body,
  };
}

export function sendGithub(secret: string, delivery: string, event: string, body: string): SentRequest {
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-delivery': delivery,
      'x-github-event': event,
      'x-hub-signature-256': `sha256=${mac('sha256', secret, body).digest('hex')}`,
    },
    body,
  };
}

export function sendGitlab(secret: string, key: string, event: string, body: string): SentRequest {
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitLab/18.4.0-pre',
      'idempotency-key': key,
      'x-gitlab-event': event,
      'x-gitlab-token': secret,
    },
    body,
  };
}

export function sendSlack(secret: string, seconds: number, body: string, type = 'application/json'): SentRequest {
  return {
    headers: {
      'content-type': type,
      'x-slack-request-timestamp': String(seconds),
      'x-slack-signature': `v0=${mac('sha256', secret, `v0:${seconds}:${body}`).digest('hex')}`,
    },
    body,
  };
}

export type DiscordApp = { readonly publicKey: string; readonly privateKey: KeyObject };

export function makeDiscordApp(): DiscordApp {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' }) as { x: string };
  return { publicKey: Buffer.from(x, 'base64url').toString('hex'), privateKey };
}

export function sendDiscord({ privateKey }: DiscordApp, seconds: number, body: string): SentRequest {
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Discord-Interactions/1.0 (+https://discord.com)',
      'x-signature-ed25519': Buffer.from(signWith(null, Buffer.from(`${seconds}${body}`), privateKey)).toString('hex'),
      'x-signature-timestamp': String(seconds),
    },
    body,
  };
}

export function sendStripe(secret: string, seconds: number, body: string): SentRequest {
  const signature = mac('sha256', secret, `${seconds}.${body}`).digest('hex');
  return {
    headers: {
      'content-type': 'application/json',
      'stripe-signature': `t=${seconds},v1=${'0'.repeat(64)},v1=${signature}`,
    },
    body,
  };
}

export function sendHmac(
  secret: string,
  body: string,
  {
    algorithm = 'sha256',
    encoding = 'hex',
    prefix = '',
    seconds,
    id,
  }: {
    readonly algorithm?: string;
    readonly encoding?: 'hex' | 'base64';
    readonly prefix?: string;
    readonly seconds?: number;
    readonly id?: string;
  } = {},
): SentRequest {
  const signed = seconds === undefined ? body : `${seconds}.${body}`;
  return {
    headers: {
      'content-type': 'application/json',
      'x-signature': `${prefix}${mac(algorithm, secret, signed).digest(encoding)}`,
      ...(seconds === undefined ? {} : { 'x-timestamp': String(seconds) }),
      ...(id === undefined ? {} : { 'x-delivery-id': id }),
    },
    body,
  };
}

export function sendBearer(secret: string, body: string, id?: string): SentRequest {
  return {
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${secret}`,
      ...(id === undefined ? {} : { 'x-delivery-id': id }),
    },
    body,
  };
}
