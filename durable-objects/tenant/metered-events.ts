/** What the tenant's other objects do that is metered, by the events that tell of it: once each, as the events are. */
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import type { MeterReading } from '../../shared/contracts/billing.ts';

export function readingsOfEvents(events: readonly CarriedEvent[]): MeterReading[] {
  return events.flatMap((event): MeterReading[] => {
    const { id, at: occurredAt, agent = null, environment = null } = event;
    const reading = { id: `event:${id}`, occurredAt, agent, environment };
    if (event.type === 'tool.called') return [{ ...reading, sku: 'tool_calls', quantity: 1 }];
    const ranMs = event.type.startsWith('task.') && 'ran_ms' in event.data ? event.data.ran_ms : null;
    return ranMs === null ? [] : [{ ...reading, sku: 'job_minutes', quantity: ranMs }];
  });
}
