/** Which events a webhook gets, and what each looks like on the wire. Pure. */
import { parseJsonTemplate } from '../../shared/core/json-template.ts';
import { selectTypes, type PlatformEvent } from '../../shared/contracts/events.ts';
import type { PlacedEvent } from './event-store.ts';
import type { OutgoingMessage, WebhookSettings, WebhookTransform } from '../../shared/contracts/webhooks.ts';

/** As a function, so that patterns are looked up once for many events. What a webhook is told of itself is left out. */
export function selectorFor(
  id: string,
  { events, agent, environment }: Pick<WebhookSettings, 'events' | 'agent' | 'environment'>,
): (event: PlatformEvent) => boolean {
  const types = new Set<string>(selectTypes(events));
  return (event) => {
    const own = event.data['id'] === id;
    if (event.type === 'webhook.test') return own;
    if (own && event.type.startsWith('webhook.')) return false;
    const named = webhooksOf(event);
    if (named.length > 0) return named.includes(id);
    return (
      types.has(event.type) &&
      (agent === null || event.agent === agent) &&
      (environment === null || event.environment === environment)
    );
  };
}

/** An alert may say who is told of it. */
export function webhooksOf({ type, data }: PlatformEvent): readonly unknown[] {
  return type.startsWith('alert.') && Array.isArray(data['webhooks']) ? data['webhooks'] : [];
}

type Renderer = (event: PlatformEvent) => string;

export function toMessage(
  { event, traceparent }: Pick<PlacedEvent, 'event' | 'traceparent'>,
  render: Renderer,
): OutgoingMessage {
  return { id: event.id, type: event.type, body: render(event), traceparent };
}

/** A template that was accepted once parses for ever. */
export function rendererFor(transform: WebhookTransform): Renderer {
  switch (transform.kind) {
    case 'none':
      return (event) => JSON.stringify(standardBody(event));
    case 'slack':
      return (event) => JSON.stringify({ text: describe(event, '*', escapeSlack) });
    case 'discord':
      return (event) =>
        JSON.stringify({
          content: describe(event, '**', escapeDiscord).slice(0, 2_000),
          allowed_mentions: { parse: [] },
        });
    case 'template': {
      const template = parseJsonTemplate(transform.template);
      return (event) =>
        template.ok ? template.value.render(standardBody(event)) : JSON.stringify(standardBody(event));
    }
  }
}

/** Standard Webhooks: type, timestamp, data. What the event is about is part of the data. */
function standardBody({ type, timestamp, agent, environment, data }: PlatformEvent) {
  return {
    type,
    timestamp,
    data: { ...(agent === null ? {} : { agent }), ...(environment === null ? {} : { environment }), ...data },
  };
}

/** One line for people: what happened, to what, and the plain facts of it. */
function describe(event: PlatformEvent, strong: string, escape: (text: string) => string): string {
  const { id, ...facts } = standardBody(event).data as Record<string, unknown>;
  const listed = Object.entries(facts)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${escape(name)}: ${escape(String(value))}`);
  const about = typeof id === 'string' ? ` ${escape(id)}` : '';
  return `${strong}${escape(event.type)}${strong}${about}${listed.length > 0 ? ` (${listed.join(', ')})` : ''}`;
}

function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function escapeDiscord(text: string): string {
  return text.replaceAll(/[\\*_`~|>]/g, String.raw`\$&`);
}
