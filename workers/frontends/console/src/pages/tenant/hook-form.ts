/** What a form asks for of an inbound hook, and the hook that its values are. */
import type { Agent } from '../../../../../../shared/contracts/agents.ts';
import type { Hook, HookScheme, HookVerification } from '../../../../../../shared/contracts/hooks.ts';
import type { Field, Values } from '../../parts/fields.tsx';
import { laneOptions } from './lane-options.ts';

export const schemeLabels = {
  standard_webhooks: 'Standard Webhooks',
  github: 'GitHub',
  gitlab: 'GitLab',
  slack: 'Slack',
  discord: 'Discord',
  stripe: 'Stripe',
  hmac: 'HMAC signature',
  bearer: 'Bearer token',
} satisfies Record<HookScheme, string>;

/** These show a secret of their own; for the others one is made here. */
const showTheirOwn: ReadonlySet<HookScheme> = new Set(['slack', 'discord', 'stripe']);

export const newHook = {
  name: '',
  agent: '',
  scheme: 'standard_webhooks' as HookScheme,
  header: '',
  algorithm: 'sha256' as 'sha1' | 'sha256' | 'sha512',
  encoding: 'hex' as 'hex' | 'base64',
  prefix: '',
  timestamp_header: '',
  delivery_id_header: '',
  secret: '',
  template: '{{payload}}',
  lane: 'standard' as Hook['lane'],
};
export type HookValues = typeof newHook;

const isHmac = ({ scheme }: Values) => scheme === 'hmac';
const chooses = ({ scheme }: Values) => !showTheirOwn.has(scheme as HookScheme);

export function hookFields(agents: readonly Agent[]): readonly Field<keyof HookValues>[] {
  return [
    { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Issues of the shop' },
    {
      name: 'agent',
      label: 'Agent',
      kind: 'select',
      required: true,
      options: agents.map(({ slug, name }) => ({ value: slug, label: name })),
    },
    {
      name: 'scheme',
      label: 'Who signs, and how',
      kind: 'select',
      required: true,
      options: Object.entries(schemeLabels).map(([value, label]) => ({ value, label })),
      covers: ['verification'],
    },
    {
      name: 'header',
      label: 'Header with the signature',
      kind: 'text',
      required: true,
      placeholder: 'x-signature',
      covers: ['verification.header'],
      when: isHmac,
    },
    {
      name: 'algorithm',
      label: 'Hash',
      kind: 'select',
      required: true,
      options: ['sha1', 'sha256', 'sha512'],
      when: isHmac,
    },
    { name: 'encoding', label: 'Written as', kind: 'select', required: true, options: ['hex', 'base64'], when: isHmac },
    { name: 'prefix', label: 'What stands before it', kind: 'text', placeholder: 'sha256=', when: isHmac },
    {
      name: 'timestamp_header',
      label: 'Header with the time',
      kind: 'text',
      about: 'Unix seconds; then the time is signed with the body. Left open, the body alone is.',
      covers: ['verification.timestamp_header'],
      when: isHmac,
    },
    {
      name: 'delivery_id_header',
      label: 'Header that names each delivery',
      kind: 'text',
      about: 'With it, what is sent twice is dealt with once.',
      covers: ['verification.delivery_id_header'],
      when: ({ scheme }) => scheme === 'hmac' || scheme === 'bearer',
    },
    {
      name: 'secret',
      label: 'Secret',
      kind: 'secret',
      about: 'Left open, one is made and shown once.',
      when: chooses,
    },
    {
      name: 'secret',
      label: 'Secret that the sender shows',
      kind: 'secret',
      required: true,
      when: (values) => !chooses(values),
    },
    {
      name: 'template',
      label: 'What the agent is asked',
      kind: 'area',
      required: true,
      about: 'With {{payload.issue.title}} for what was sent; {{event}} and {{delivery}} name it.',
    },
    { name: 'lane', label: 'How soon', kind: 'select', required: true, options: laneOptions },
  ];
}

export function toHook({ name, agent, secret, template, lane, ...rest }: HookValues) {
  const verification = toVerification(rest);
  return { name, agent, template, lane, verification, ...(secret !== '' && { secret }) };
}

const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim());

type Verification = Pick<
  HookValues,
  'scheme' | 'header' | 'algorithm' | 'encoding' | 'prefix' | 'timestamp_header' | 'delivery_id_header'
>;

function toVerification(values: Verification): HookVerification {
  const { scheme, header, algorithm, encoding, prefix } = values;
  const delivery_id_header = orNull(values.delivery_id_header);
  if (scheme === 'bearer') return { scheme, delivery_id_header };
  if (scheme !== 'hmac') return { scheme };
  const timestamp_header = orNull(values.timestamp_header);
  return { scheme, header, algorithm, encoding, prefix, timestamp_header, delivery_id_header };
}
