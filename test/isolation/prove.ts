/**
 * `npm run prove-isolation [-- --url https://platform --operator-token …]`: plants canaries in two tenants and attacks
 * every route, Host and page of the one with every kind of credential of the other. Without a URL it starts a platform of
 * its own and looks into its logs as well. Prints a report; exit code 1 where anything leaks, 2 where it could not begin.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { readApi } from '../support/api-operations.ts';
import { populateTenant, waitUntil, type PopulatedTenant, type PopulateTarget } from '../support/populated-tenant.ts';
import { startTestPlatform, type CallOptions, type TestPlatform } from '../support/running-platform.ts';
import { walkHosts } from './hosts.ts';
import { IsolationMatrix, leaksOf, RunKey, type Credential } from './matrix.ts';

type ProofTarget = PopulateTarget & {
  readonly domain: string;
  readonly operatorToken: string;
  /** Where raw requests can be sent. */
  readonly port?: number;
  stop(): Promise<void>;
};
type Section = { readonly name: string; readonly cells: number; readonly faults: readonly string[] };

async function startOwn(): Promise<ProofTarget> {
  const platform: TestPlatform = await startTestPlatform();
  return {
    ...platform,
    domain: 'localhost',
    operatorToken: platform.secrets.operator_token,
    stop: () => platform.stop(),
  };
}

/** A deployment that runs already, at its own address. */
function reachOther(url: string, operatorToken: string): ProofTarget {
  const base = new URL(url);
  const call: TestPlatform['call'] = async (method, host, path, options: CallOptions = {}) => {
    const { token, body, rawBody, headers } = options;
    const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    // With TLS the name in the address chooses the certificate; without, the Host header alone chooses the tenant.
    const origin =
      base.protocol === 'https:' ? `https://${host}${base.port === '' ? '' : `:${base.port}`}` : base.origin;
    const answer = await request(`${origin}${path}`, {
      method,
      headers: {
        ...(base.protocol === 'https:' ? {} : { host: base.port === '' ? host : `${host}:${base.port}` }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) as unknown };
  };
  const clientOf = (host: string, token: string) => ({
    async require<T>(method: 'GET' | 'POST', path: string, body?: unknown, idempotencyKey?: string): Promise<T> {
      const answer = await call(method, host, path, {
        token,
        ...(body === undefined ? {} : { body }),
        ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
      });
      if (answer.status >= 300) throw new Error(`${method} ${path} at ${host}: ${answer.status} ${answer.text}`);
      return answer.json() as T;
    },
  });
  const domain = base.hostname;
  const operator = clientOf(domain, operatorToken) as unknown as TestPlatform['operator'];
  return {
    domain,
    operatorToken,
    operator,
    call,
    ...(base.protocol === 'http:' ? { port: Number(base.port || 80) } : {}),
    client: (tenant) => clientOf(`${tenant.slug}.${domain}`, tenant.key) as unknown as TestPlatform['operator'],
    async createTenant(slug) {
      type Created = { id: string; admin_key: { id: string; secret: string } };
      const made = await operator.require<Created>('POST', '/operator/v1/tenants', { slug, name: slug });
      return { id: made.id, slug, key: made.admin_key.secret, keyId: made.admin_key.id };
    },
    async stop() {},
  };
}

async function credentialsOf(target: ProofTarget, a: PopulatedTenant, b: PopulatedTenant): Promise<Credential[]> {
  const [here, there] = [`${a.slug}.${target.domain}`, `${b.slug}.${target.domain}`];
  const client = target.client(a);
  const issue = (body: object) =>
    client.require<{ id: string; secret: string }>('POST', '/v1/keys', { name: 'k', ...body });
  const expired = await issue({ expires_at: new Date(Date.now() + 1_000).toISOString() });
  const bound = await issue({ scope: { agent: a.ids.agent } });
  const reader = await issue({ permissions: ['conversations:read', 'agents:read', 'memories:read', 'keys:read'] });
  const revoked = await issue({});
  await client.require('POST', `/v1/keys/${revoked.id}/revoke`, {});
  await waitUntil(async () => (await target.call('GET', here, '/v1/agents', { token: expired.secret })).status === 401);
  return [
    { name: 'full key', token: a.key, host: here, valid: true },
    { name: 'agent-scoped key', token: bound.secret, host: here, valid: true },
    { name: 'read-only key', token: reader.secret, host: here, valid: true },
    { name: 'visitor', token: a.visitor, host: here, valid: true },
    { name: 'none', token: undefined, host: here, valid: false },
    { name: 'malformed', token: `${a.key.slice(0, -1)}x`, host: here, valid: false },
    { name: 'revoked', token: revoked.secret, host: here, valid: false },
    { name: 'expired', token: expired.secret, host: here, valid: false },
    { name: 'operator token', token: target.operatorToken, host: here, valid: false },
    { name: "the other tenant's key", token: b.key, host: here, valid: false },
    { name: "the other tenant's visitor", token: b.visitor, host: here, valid: false },
    { name: "own key at the other's host", token: a.key, host: there, valid: false },
    { name: "own visitor at the other's host", token: a.visitor, host: there, valid: false },
  ];
}

/** What anybody may open at A's host and at the apex: pages, documents, health, metrics. */
async function walkPages(target: ProofTarget, a: PopulatedTenant, b: PopulatedTenant): Promise<Section> {
  const paths = ['/', '/openapi.json', '/docs', '/healthz', '/metrics', '/.well-known/jwks.json', '/no/such/page'];
  const faults: string[] = [];
  let cells = 0;
  for (const host of [`${a.slug}.${target.domain}`, target.domain]) {
    for (const path of paths) {
      for (const token of [undefined, a.key, a.visitor]) {
        const answer = await target.call('GET', host, path, token === undefined ? {} : { token });
        cells++;
        const leaks = leaksOf(b, answer, { path });
        if (leaks.length > 0) faults.push(`${host}${path} leaks ${leaks.join(', ')}`);
        if (answer.status >= 500) faults.push(`${host}${path}: ${answer.status}`);
      }
    }
  }
  return { name: 'pages, documents, metrics', cells, faults };
}

/** No log holds what tenants wrote; the names of hosts that a tenant claims, the runtime's own log may. */
function readLogs(dataDir: string, tenants: readonly PopulatedTenant[]): Section {
  const text = readFileSync(join(dataDir, 'platform.log'), 'utf8');
  const canaries = tenants.flatMap((tenant) => tenant.canaries).filter((canary) => !canary.includes('-hostname-'));
  const faults = canaries.filter((canary) => text.includes(canary)).map((canary) => `platform.log holds ${canary}`);
  return { name: 'logs', cells: canaries.length, faults };
}

async function prove(target: ProofTarget): Promise<readonly Section[]> {
  const mark = Math.random().toString(36).slice(2, 8);
  const planted: PopulatedTenant[] = [];
  try {
    for (const letter of ['alpha', 'bravo']) planted.push(await populateTenant(target, `${letter}-${mark}`));
    const [a, b] = planted as [PopulatedTenant, PopulatedTenant];
    await target.client(b).require('POST', '/v1/conversations', { metadata: { topic: 'x' } }, RunKey);
    const api = await readApi(target, target.domain);
    const matrix = new IsolationMatrix(target, api, a, b);
    const credentials = await credentialsOf(target, a, b);
    const walk = await matrix.walk(credentials);
    const missed = api.operations.filter(({ id }) => !walk.walked.has(id)).map(({ id }) => `${id} was not attacked`);
    const compared = await matrix.compare(credentials);
    const here = credentials.filter(({ host }) => host === matrix.hostOf(a));
    return [
      {
        name: `${walk.walked.size} operations × names × credentials`,
        cells: walk.cells,
        faults: [...walk.faults, ...missed],
      },
      { name: 'elsewhere is answered as nowhere', cells: compared.compared, faults: compared.faults },
      await walkPages(target, a, b),
      ...(target.port === undefined
        ? []
        : [{ name: 'hosts × headers × credentials', ...(await walkHosts(target.port, target.domain, a, b, here)) }]),
      ...(target.dataDir === undefined ? [] : [readLogs(target.dataDir, planted)]),
    ];
  } finally {
    for (const { id, ids } of planted) {
      await target.call('DELETE', target.domain, `/operator/v1/tenants/${id}`, { token: target.operatorToken });
      await target.call('DELETE', target.domain, `/operator/v1/plans/${ids.plan}`, { token: target.operatorToken });
    }
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { url: { type: 'string' }, 'operator-token': { type: 'string' } } });
  if ((values.url === undefined) !== (values['operator-token'] === undefined)) {
    console.error('usage: npm run prove-isolation [-- --url <platform> --operator-token <token>]');
    return 2;
  }
  const target = values.url === undefined ? await startOwn() : reachOther(values.url, values['operator-token']!);
  try {
    const sections = await prove(target);
    for (const { name, cells, faults } of sections) {
      console.log(`${faults.length === 0 ? 'ok    ' : 'LEAK  '} ${String(cells).padStart(6)}  ${name}`);
      for (const fault of faults.slice(0, 20)) console.log(`          ${fault}`);
      if (faults.length > 20) console.log(`          … and ${faults.length - 20} more`);
    }
    const leaks = sections.reduce((sum, { faults }) => sum + faults.length, 0);
    const cells = sections.reduce((sum, section) => sum + section.cells, 0);
    console.log(`${cells} attacks, ${leaks} faults${leaks === 0 ? ': the tenants are apart' : ''}`);
    return leaks === 0 ? 0 : 1;
  } finally {
    await target.stop();
  }
}

process.exitCode = await main();
