/**
 * A tenant's standing and its parts, in workerd: what a plan limits, what stops while the tenant is suspended, and that
 * every part of its estate is found, also when the one that knew of the others is gone.
 */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { Estate, holders } from '../../durable-objects/estate.ts';
import { Objects, type Platform } from '../../durable-objects/stubs.ts';
import type { VectorShardObject } from '../../durable-objects/vector-shard/vector-shard-object.ts';
import type { WebhookEndpointObject } from '../../durable-objects/webhook-endpoint/webhook-endpoint-object.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { mintId, type WebhookId } from '../../shared/core/ids.ts';
import { operatorActor } from '../../shared/contracts/audit.ts';
import { noLimits, type PlanLimits, type TenantProfile } from '../../shared/contracts/plans.ts';
import { createWebhook } from '../../shared/contracts/webhooks.ts';
import { vectorShardObjectName, webhookEndpointObjectName } from '../../shared/tenancy/object-name.ts';
import { admin, must, openTenant, start } from './tenant-env.ts';
import { migrateDatabase } from './vectors-env.ts';

const platform = env as unknown as Platform;
const objects = env as unknown as {
  readonly WEBHOOK_ENDPOINT: DurableObjectNamespace<WebhookEndpointObject>;
  readonly VECTOR_SHARD: DurableObjectNamespace<VectorShardObject>;
};

beforeAll(migrateDatabase);

const profileWith = (limits: Partial<PlanLimits>): TenantProfile => ({
  slug: 'acme',
  name: 'Acme',
  region: null,
  createdAt: start,
  plan: { id: 'small', name: 'Small' },
  features: {},
  limits: { ...noLimits, ...limits },
});

async function addWebhook(opened: Awaited<ReturnType<typeof openTenant>>): Promise<WebhookId> {
  const id = mintId('webhook', start);
  const secret = `whsec_${btoa('x'.repeat(32))}`;
  const wanted = createWebhook.parse({ url: 'https://hooks.example.com/in', events: ['webhook.test'] });
  must(await opened.run((object) => object.webhooks.create({ ...wanted, id, secret, publicKey: null }, admin)));
  return id;
}

describe('a plan', () => {
  test('limits the requests of all callers of the tenant together, from the next request on', async () => {
    const { run, adminKey, admit } = await openTenant();
    const ask = () => admit(adminKey.id, adminKey.secretHash);
    for (let at = 0; at < 5; at++) must(await ask());
    must(await run((object) => object.tenancy.setProfile(profileWith({ requests_per_minute: 2 }), operatorActor)));
    const answers = [await ask(), await ask(), await ask()];
    expect(answers.at(-1)).toMatchObject({ ok: false, failure: { code: 'rate_limit_exceeded' } });
    must(await run((object) => object.tenancy.setProfile(profileWith({}), operatorActor)));
    must(await ask());
  });
});

describe('a suspended tenant', () => {
  test('hands nothing to its webhooks, and what happened meanwhile goes out when it is back', async () => {
    const opened = await openTenant();
    const { tenant, run, stub } = opened;
    const id = await addWebhook(opened);
    must(await run((object) => object.tenancy.setStatus('suspended', operatorActor)));
    must(await run((object) => object.webhooks.test(id, operatorActor)));
    const endpoint = objects.WEBHOOK_ENDPOINT.getByName(webhookEndpointObjectName(tenant, id));
    const census = () => runInDurableObject(endpoint, (object) => object.holding.census());
    await runDurableObjectAlarm(stub);
    expect((await census())['queue']).toBe(0);
    expect(must(await run((object) => object.webhooks.plan(id)))).toMatchObject({ paused: true });
    must(await run((object) => object.tenancy.setStatus('active', operatorActor)));
    await run((object) => object.alarm());
    const { queue, attempts } = await census();
    expect((queue ?? 0) + (attempts ?? 0)).toBeGreaterThan(0);
    expect(must(await run((object) => object.webhooks.plan(id)))).toMatchObject({ paused: false });
  });
});

test('a change of a custom hostname is an event', async () => {
  const { run } = await openTenant();
  const id = mintId('domain', start);
  must(await run((object) => object.domains.create(id, 'agents.acme.example', admin)));
  must(await run((object) => object.domains.delete(id, admin)));
  const events = await run((_, state) =>
    state.storage.sql.exec<{ type: string }>("SELECT type FROM events WHERE type LIKE 'domain.%'").toArray(),
  );
  expect(events.map(({ type }) => type)).toEqual(['domain.created', 'domain.deleted']);
});

describe('the estate of a tenant', () => {
  test('has every vector shard and every webhook, also when the first shard has forgotten the others', async () => {
    const opened = await openTenant();
    const { tenant } = opened;
    const id = await addWebhook(opened);
    const first = new Objects(platform).vectorShard(tenant, HashEmbeddingModel, 0);
    must(await first.grow(tenant, 12));
    const known = await new Estate(platform, tenant).vectorShards();
    expect(known).toEqual({ [HashEmbeddingModel]: 12 });
    const shard = objects.VECTOR_SHARD.getByName(vectorShardObjectName(tenant, HashEmbeddingModel, 0));
    await runInDurableObject(shard, (object) => object.holding.erase());
    expect(await new Estate(platform, tenant).vectorShards()).toEqual({ [HashEmbeddingModel]: 1 });
    const estate = new Estate(platform, tenant, known);
    const names = await Array.fromAsync(holders.VECTOR_SHARD(estate));
    expect(names).toEqual(names.toSorted());
    expect(new Set(names)).toEqual(
      new Set(Array.from({ length: 12 }, (_, at) => vectorShardObjectName(tenant, HashEmbeddingModel, at))),
    );
    expect(await opened.run((object) => object.tenancy.webhooks('', 10))).toEqual([id]);
  });
});
