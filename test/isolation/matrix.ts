/**
 * The matrix of isolation, one implementation for the contract suite and for `npm run prove-isolation`: every operation
 * of the API's own document, every place of it that can name something, every kind of credential of another tenant, every
 * Host. It says what is wrong in words; who calls it decides what a fault means. (I-1, I-2; ASVS 8.2.2, 8.4.1)
 */
import { fillPath, type Api, type Operation } from '../support/api-operations.ts';
import { bodyReferences, inertSlots, sampleBodies } from '../support/api-samples.ts';
import { strangeIds, type Ids, type PopulatedTenant } from '../support/populated-tenant.ts';
import type { Answer, TestPlatform } from '../support/running-platform.ts';

export type Target = Pick<TestPlatform, 'call'> & {
  /** What tenants lie under. */
  readonly domain: string;
};

export type Credential = {
  readonly name: string;
  readonly token: string | undefined;
  readonly host: string;
  readonly valid: boolean;
};
export type Slot = {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** The named thing is looked up: it must be refused. */
  readonly reaches: boolean;
};
export type Walk = { readonly faults: readonly string[]; readonly cells: number; readonly walked: ReadonlySet<string> };

type Theirs = Pick<PopulatedTenant, 'ids' | 'agentSlug' | 'visitor'>;

/** An Idempotency-Key that the other tenant has used. */
export const RunKey = 'canary-bravo-run';

/** What changes by being read, because what is asked and what is sent is counted. */
const counting = new Set([
  'exportReceipts',
  'listUsageEvents',
  'listInvoices',
  'retrieveInvoice',
  'readTelemetry',
  'readTenantMetrics',
]);

export class IsolationMatrix {
  readonly own: PopulatedTenant;
  readonly theirs: PopulatedTenant;
  readonly #target: Target;
  readonly #api: Api;

  constructor(target: Target, api: Api, own: PopulatedTenant, theirs: PopulatedTenant) {
    this.#target = target;
    this.#api = api;
    this.own = own;
    this.theirs = theirs;
  }

  hostOf({ slug }: { readonly slug: string }): string {
    return `${slug}.${this.#target.domain}`;
  }

  /** Everything that the credentials are tried on, and whatever of it shows or changes something of the other tenant. */
  async walk(credentials: readonly Credential[]): Promise<Walk> {
    const faults: string[] = [];
    const walked = new Set<string>();
    const start = await this.snapshot(this.theirs);
    const done = await this.doneBy(this.theirs);
    let cells = 0;
    for (const operation of this.#api.operations) {
      for (const slot of this.slotsOf(operation, this.theirs)) {
        for (const credential of credentials) {
          if (operation.access !== 'tenant' && credential.host !== this.hostOf(this.own)) continue;
          const host = operation.host === 'apex' ? this.#target.domain : credential.host;
          if (operation.access === 'operator' && credential.name === 'operator token') continue;
          const answer = await this.send(operation, slot, { ...credential, host });
          cells++;
          walked.add(operation.id);
          const where = `${operation.id}, ${slot.name}, ${credential.name}: ${answer.status}`;
          const leaks = leaksOf(this.theirs, answer, slot);
          if (leaks.length > 0) faults.push(`${where} leaks ${leaks.join(', ')}`);
          if (answer.status >= 500) faults.push(`${where} ${answer.text}`);
          if (operation.access === 'operator' && answer.status !== 401) faults.push(`${where} is not 401`);
          if (operation.access !== 'tenant') continue;
          if (!credential.valid && answer.status !== 401) faults.push(`${where} is not 401`);
          if (slot.reaches && ![400, 401, 403, 404, 405].includes(answer.status))
            faults.push(`${where} is not a refusal: ${answer.text.slice(0, 200)}`);
        }
      }
    }
    if ((await this.snapshot(this.theirs)) !== start) faults.push('what the other tenant can read has changed');
    if (JSON.stringify(await this.doneBy(this.theirs)) !== JSON.stringify(done))
      faults.push("the other tenant's audit trail has an entry that it did not cause");
    return { faults, cells, walked };
  }

  /** What exists elsewhere must be answered, byte for byte, as what exists nowhere. */
  async compare(
    credentials: readonly Credential[],
  ): Promise<{ readonly faults: readonly string[]; readonly compared: number }> {
    const { ids, agentSlug, visitor } = this.theirs;
    const turned = agentSlug.replace(/^.{5}/, 'wrong');
    const strange = { ids: strangeIds(ids), agentSlug: turned, visitor };
    const faults: string[] = [];
    let compared = 0;
    for (const operation of this.#api.operations.filter(({ access }) => access === 'tenant')) {
      const elsewhere = this.slotsOf(operation, this.theirs).filter((slot) => slot.reaches);
      const nowhere = this.slotsOf(operation, strange).filter((slot) => slot.reaches);
      for (const [at, slot] of elsewhere.entries()) {
        for (const credential of credentials.filter(({ valid }) => valid)) {
          const there = faceless(await this.send(operation, slot, credential), ids, agentSlug);
          const none = faceless(await this.send(operation, nowhere[at]!, credential), strange.ids, turned);
          if (there !== none)
            faults.push(`${operation.id}, ${slot.name}, ${credential.name} tells them apart:\n${there}\n${none}`);
          compared++;
        }
      }
    }
    return { faults, compared };
  }

  /** Every place of an operation that can name something, with the other tenant's ids in it. */
  slotsOf(operation: Operation, theirs: Theirs): Slot[] {
    const a = this.own;
    const { pathParams, id } = operation;
    const own = Object.fromEntries(pathParams.map((name) => [name, a.ids[name as keyof Ids]]));
    const sample = operation.body ? sampleBodies[id]?.(a) : undefined;
    const body = sample ? { body: sample } : {};
    const slots: Slot[] = [];
    for (let mask = 1; mask < 2 ** pathParams.length; mask++) {
      const foreign = pathParams.filter((_, at) => mask & (1 << at));
      const params = { ...own, ...Object.fromEntries(foreign.map((name) => [name, theirs.ids[name as keyof Ids]])) };
      slots.push({ name: `path ${foreign.join('+')}`, params, ...body, reaches: true });
      if (foreign.includes('agent'))
        slots.push({
          name: `path ${foreign.join('+')} slug`,
          params: { ...params, agent: theirs.agentSlug },
          ...body,
          reaches: true,
        });
    }
    for (const { name } of operation.queryParams.filter(({ name: query }) => query === 'cursor' || query === 'after')) {
      for (const [kind, value] of Object.entries(theirs.ids)) {
        slots.push({
          name: `query ${name}=${kind}`,
          params: own,
          query: `?${name}=${encodeURIComponent(value)}`,
          reaches: name === 'after',
        });
      }
    }
    for (const [member, reference] of Object.entries(bodyReferences[id] ?? {})) {
      const named = reference({ ...a, ...theirs });
      slots.push({
        name: `body ${member}`,
        params: own,
        body: { ...sample, ...named },
        reaches: !(`${id} ${member}` in inertSlots),
      });
    }
    if (operation.headerParams.includes('Idempotency-Key')) {
      slots.push({
        name: 'Idempotency-Key',
        params: own,
        ...body,
        headers: { 'idempotency-key': RunKey },
        reaches: false,
      });
    }
    return slots.length > 0 ? slots : [{ name: 'nothing named', params: {}, ...body, reaches: false }];
  }

  send(operation: Operation, slot: Slot, credential: Pick<Credential, 'token' | 'host'>): Promise<Answer> {
    const path = fillPath(operation.path, slot.params) + (slot.query ?? '');
    return this.#target.call(operation.method, credential.host, path, {
      ...(credential.token === undefined ? {} : { token: credential.token }),
      ...(slot.body
        ? { body: slot.body }
        : operation.body
          ? { rawBody: 'not.a.jws', headers: { 'content-type': operation.body.media } }
          : {}),
      ...(slot.headers ? { headers: slot.headers } : {}),
    });
  }

  /** What a tenant's audit trail says was done: a refused credential of another's is on it, and nothing else of them. */
  async doneBy(tenant: PopulatedTenant): Promise<readonly string[]> {
    const trail = await this.#target.call('GET', this.hostOf(tenant), '/v1/audit/export', { token: tenant.key });
    const entries = trail.text
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { action?: string }]));
    return entries.flatMap(({ action }) => (action === undefined || action.startsWith('auth.') ? [] : [action]));
  }

  /** Everything of a tenant that its own key can read, the times of use and checks and the audit trail aside. */
  async snapshot(tenant: PopulatedTenant): Promise<string> {
    const texts: string[] = [];
    for (const operation of this.#api.operations) {
      if (operation.access !== 'tenant' || operation.method !== 'GET' || operation.permission === 'audit:read')
        continue;
      if (counting.has(operation.id)) continue;
      const limit = operation.queryParams.some(({ name }) => name === 'limit') ? '?limit=100' : '';
      const path = fillPath(operation.path, tenant.ids) + limit;
      const answer = await this.#target.call('GET', this.hostOf(tenant), path, { token: tenant.key });
      texts.push(`${operation.id} ${answer.status} ${answer.text}`);
    }
    return texts.join('\n').replaceAll(/"(?:last_used_at|checked_at|next_check_at|reason)":(?:null|"[^"]*")/g, '');
  }
}

export function leaksOf(tenant: PopulatedTenant, answer: Pick<Answer, 'text' | 'headers'>, slot: object): string[] {
  const said = `${answer.text}\n${JSON.stringify(answer.headers)}`;
  const sent = JSON.stringify(slot);
  return tenant.canaries.filter((canary) => said.includes(canary) && !sent.includes(canary));
}

/** Status, headers and body without the ids that were asked for and without what is new in every answer. */
function faceless(answer: Answer, ids: Ids, agentSlug: string): string {
  const { date: _, 'x-request-id': __, ...headers } = answer.headers;
  let said = `${answer.status} ${JSON.stringify(headers)} ${answer.text}`;
  for (const id of [...Object.values(ids), agentSlug]) said = said.replaceAll(id, '<id>');
  return said;
}
