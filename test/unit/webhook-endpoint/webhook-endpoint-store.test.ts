/** What a webhook's object keeps of its attempts. */
import { expect, test } from 'vitest';
import type { Verdict } from '../../../durable-objects/webhook-endpoint/delivery-rules.ts';
import { webhookEndpointMigrations } from '../../../durable-objects/webhook-endpoint/webhook-endpoint-migrations.ts';
import {
  WebhookEndpointStore,
  type Attempt,
} from '../../../durable-objects/webhook-endpoint/webhook-endpoint-store.ts';
import { CrashingStorage } from '../../support/crashing-storage.ts';

const start = Date.UTC(2096, 5, 1);
const tried = { url: 'https://x.example.com', headers: {}, status: null, answer: null, fault: null, durationMs: 1 };
const again: Verdict = { kind: 'retried', at: start + 300_000 };

test('of many attempts the latest are kept, and of each event that still waits its latest, which says when the next is', () => {
  const storage = new CrashingStorage(webhookEndpointMigrations.map(({ sql }) => sql));
  const store = new WebhookEndpointStore(storage.sql);
  const tryAll = (verdict: Verdict, ...ids: string[]) => {
    store.add(
      ids.map((id) => ({ id, type: 'webhook.test', body: '{}', traceparent: null })),
      start,
    );
    const waiting = store.first(5_000).filter(({ id }) => ids.includes(id));
    store.settle(waiting.map((message): Attempt => ({ ...tried, message, at: start, verdict })));
  };
  const told = (event: string) =>
    store
      .listAttempts('whk_1', { limit: 10, event })
      .data.map(({ number, next_attempt_at }) => [number, next_attempt_at]);
  const others = (from: number) => Array.from({ length: 2_000 }, (_, at) => `other-${from + at}`);
  const nextAt = new Date(start + 300_000).toISOString();

  tryAll(again, 'waits', 'comes');
  tryAll(again, 'waits');
  tryAll({ kind: 'delivered' }, 'comes');
  expect([told('waits'), told('comes')]).toEqual([
    [
      [2, nextAt],
      [1, nextAt],
    ],
    [
      [2, null],
      [1, nextAt],
    ],
  ]);
  tryAll({ kind: 'delivered' }, ...others(0));
  expect([told('waits'), told('comes'), told('other-0')]).toEqual([[[2, nextAt]], [], [[1, null]]]);
  tryAll({ kind: 'delivered' }, 'waits');
  tryAll({ kind: 'delivered' }, ...others(2_000));
  expect([told('waits'), told('other-1999')]).toEqual([[], []]);
});
