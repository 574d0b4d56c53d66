/** What a turn was made of: its figures, the memories that it recalled, its events with their times. */
import { Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { OwnPrice, Price } from '../../../../../../shared/contracts/tenants.ts';
import type { Response } from '../../../../../../shared/contracts/responses.ts';
import { formatMoney, formatMs, formatNumber } from '../../parts/format.ts';
import { Facts, Id, Status } from '../../parts/values.tsx';
import type { Turn } from './turn-events.ts';

export function TurnFacts({ turn, prices }: { readonly turn: Turn; readonly prices: readonly OwnPrice[] }) {
  const { response, firstTokenMs, totalMs } = turn;
  const usage = response?.usage;
  const cost = response && costOf(response, prices);
  return (
    <Facts
      of={[
        ['Status', <Status key="status" value={response?.status ?? 'queued'} />],
        ['First token', firstTokenMs === undefined ? '–' : formatMs(firstTokenMs)],
        ['Whole turn', totalMs === undefined ? '–' : formatMs(totalMs)],
        ['Tokens in', usage ? formatNumber(usage.input_tokens) : '–'],
        ['Tokens out', usage ? formatNumber(usage.output_tokens) : '–'],
        ['Cost by the price book', cost === undefined ? '–' : formatMoney(cost)],
        ['Steps', response ? response.output.length : '–'],
        ['Response', response ? <Id key="id" value={response.id} /> : '–'],
        [
          'Conversation',
          response?.conversation ? (
            <Link
              key="conversation"
              className="fh-plain-link"
              to="/conversations/$conversation"
              params={{ conversation: response.conversation.id }}
            >
              Open
            </Link>
          ) : (
            '–'
          ),
        ],
      ]}
    />
  );
}

/** An agent's model may be an alias, so the price of every model counts where its own is not known. */
function costOf({ usage, model }: Response, prices: readonly OwnPrice[]): number | undefined {
  const book = prices.filter((each): each is Price => each.object === 'price');
  const price = book.find((each) => each.model === model) ?? book.find((each) => each.model === '*');
  if (!usage || !price) return undefined;
  const cached = usage.input_tokens_details.cached_tokens;
  const perMtok =
    (usage.input_tokens - cached) * price.input_micros_per_mtok +
    cached * price.cached_input_micros_per_mtok +
    usage.output_tokens * price.output_micros_per_mtok;
  return perMtok / 1_000_000;
}

export function Recalled({ turn, agent }: { readonly turn: Turn; readonly agent: string }) {
  const memories = turn.response?.recalled_memories ?? [];
  if (memories.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        Nothing was recalled. What this agent knows is under{' '}
        <Link className="fh-plain-link" to="/memories" search={{ agent }}>
          memories
        </Link>
        .
      </Text>
    );
  }
  return (
    <Stack gap="sm">
      {memories.map(({ id, score, text }) => (
        <div key={id}>
          <Text size="sm" className="fh-text">
            {text}
          </Text>
          <Text size="xs" c="dimmed">
            Score {score.toFixed(3)}
          </Text>
        </div>
      ))}
    </Stack>
  );
}

export function EventLog({ turn }: { readonly turn: Turn }) {
  return (
    <div className="fh-log" tabIndex={0} role="region" aria-label="Events of the turn">
      {turn.events.map(({ type, atMs, count }) => (
        <div key={`${type} ${atMs}`}>
          <span>{formatMs(atMs)}</span>
          <span>
            {type.replace(/^response\./, '')}
            {count > 1 && ` × ${count}`}
          </span>
        </div>
      ))}
    </div>
  );
}
