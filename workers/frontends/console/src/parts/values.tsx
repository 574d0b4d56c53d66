/** Small values in tables and lists: states, times, ids, text to copy, data. */
import { ActionIcon, Code, CopyButton, Text, Tooltip } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { formatAge, formatTime, toWords } from './format.ts';
import { Icon } from './icon.tsx';

const tones: Readonly<Record<string, 'good' | 'warn' | 'bad' | 'info' | 'idle'>> = {
  active: 'good',
  ok: 'good',
  approved: 'good',
  completed: 'good',
  delivered: 'good',
  live: 'good',
  online: 'good',
  ready: 'good',
  succeeded: 'good',
  valid: 'good',
  achieved: 'good',
  handed_over: 'good',
  received: 'info',
  verified: 'good',
  closed: 'good',
  used: 'good',
  in_progress: 'info',
  running: 'info',
  queued: 'info',
  starting: 'info',
  connecting: 'info',
  verifying: 'info',
  open: 'info',
  scheduled: 'info',
  invited: 'info',
  pending: 'warn',
  waiting_approval: 'warn',
  retried: 'warn',
  failing: 'warn',
  held: 'warn',
  incomplete: 'warn',
  draining: 'warn',
  half_open: 'warn',
  suspended: 'warn',
  firing: 'bad',
  lost: 'bad',
  hung: 'bad',
  ejected: 'bad',
  failed: 'bad',
  dead: 'bad',
  denied: 'bad',
  exhausted: 'bad',
  endpoint_gone: 'bad',
  invalid: 'bad',
  refused: 'bad',
  revoked: 'bad',
};

/** A state with a dot in its colour. The word says it; the colour repeats it. */
export function Status({ value, label }: { readonly value: string; readonly label?: string }) {
  return (
    <span className="fh-status" data-tone={tones[value] ?? 'idle'}>
      {label ?? toWords(value)}
    </span>
  );
}

const TickMs = 10_000;

/** What began at the epoch is something of which nobody has heard. */
export function Age({ at, none = 'Never' }: { readonly at: string | null | undefined; readonly none?: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TickMs);
    return () => clearInterval(timer);
  }, []);
  if (at === null || at === undefined || Date.parse(at) === 0) return <>{none}</>;
  return (
    <time className="fh-time" dateTime={at} title={formatTime(at)}>
      {formatAge(at, Math.max(now, Date.now() - TickMs))}
    </time>
  );
}

function CopyIcon({ value, label }: { readonly value: string; readonly label: string }) {
  return (
    <CopyButton value={value} timeout={1_500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label} withArrow>
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={copied ? 'Copied' : label}>
            <Icon name={copied ? 'check' : 'copy'} size={15} />
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** Something to be copied whole: a key, an address, a command. */
export function CopyField({ value, label }: { readonly value: string; readonly label: string }) {
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {label}
      </Text>
      <div className="fh-copy">
        <code>{value}</code>
        <CopyIcon value={value} label={`Copy: ${label}`} />
      </div>
    </div>
  );
}

export function Id({ value }: { readonly value: string }) {
  return (
    <span className="fh-id">
      <code title={value}>{value}</code>
      <CopyIcon value={value} label={`Copy ${value}`} />
    </span>
  );
}

/** A region that scrolls can be reached with the keyboard. */
export function Json({ value, label }: { readonly value: unknown; readonly label: string }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return (
    <Code block className="fh-json" tabIndex={0} role="region" aria-label={label}>
      {text}
    </Code>
  );
}

/** Names and values beside each other. */
export function Facts({ of }: { readonly of: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="fh-facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Stat({
  label,
  value,
  note,
}: {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
}) {
  return (
    <div className="fh-stat">
      <span className="fh-stat-label">{label}</span>
      <span className="fh-stat-value">{value}</span>
      {note !== undefined && <span className="fh-stat-note">{note}</span>}
    </div>
  );
}
