/** What a newcomer does next. It is gone once everything is done. */
import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useApi } from '../../api/queries.ts';
import { Icon } from '../../parts/icon.tsx';
import { Panel } from '../../parts/page.tsx';
import { LinkButton } from '../../parts/link-button.tsx';

export type Step = {
  readonly title: string;
  readonly about: string;
  readonly isDone: boolean;
  readonly action: ReactNode;
};

/** `isReady`: whether it is known what is done, or that it cannot be known. */
export function useFirstSteps(): { readonly isReady: boolean; readonly steps: readonly Step[] } {
  const agents = useApi('GET /v1/agents', { query: { limit: 100 } });
  const keys = useApi('GET /v1/keys', { query: { limit: 100 } });
  const branding = useApi('GET /v1/branding');
  const conversations = useApi('GET /v1/conversations', { query: { limit: 1 } });
  const all = [agents, keys, branding, conversations];
  if (all.some(({ data }) => data === undefined))
    return { isReady: all.every(({ isLoading }) => !isLoading), steps: [] };
  const steps: readonly Step[] = [
    {
      title: 'Make an agent',
      about: 'Instructions, a greeting and a model: a name is enough to begin.',
      isDone: agents.data!.data.length > 0,
      action: link('/agents', 'Go to agents'),
    },
    {
      title: 'Talk to it',
      about: 'In the playground you see each event, what was recalled, and what it cost.',
      isDone: conversations.data!.data.length > 0,
      action: link('/playground', 'Open the playground'),
    },
    {
      title: 'Make it yours',
      about: 'Name, logo and colours of the chat that your visitors see.',
      isDone: branding.data!.updated_at !== null,
      action: link('/branding', 'Set the branding'),
    },
    {
      title: 'Give your application a key of its own',
      about: 'Any OpenAI client works with it: the base URL is this host with /v1.',
      isDone: keys.data!.data.filter(({ status }) => status === 'active').length > 1,
      action: link('/keys', 'Create a key'),
    },
  ];
  return { isReady: true, steps };
}

export function FirstSteps({ steps }: { readonly steps: readonly Step[] }) {
  const next = steps.find(({ isDone }) => !isDone);
  if (!next) return null;
  return (
    <Panel title="Get started" about={`${steps.filter(({ isDone }) => isDone).length} of ${steps.length} done`}>
      <ol className="fh-steps">
        {steps.map((step, at) => (
          <li key={step.title}>
            <span className="fh-step-mark" data-done={step.isDone}>
              {step.isDone ? <Icon name="check" size={14} /> : at + 1}
            </span>
            <div>
              <Text fw={step === next ? 600 : 500} size="sm">
                {step.title}
                {step.isDone && <span className="fh-unseen"> (done)</span>}
              </Text>
              {step === next && (
                <>
                  <Text size="sm" c="dimmed" mb={8}>
                    {step.about}
                  </Text>
                  {step.action}
                </>
              )}
            </div>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function link(to: string, label: string): ReactNode {
  return (
    <LinkButton to={to} size="xs">
      {label}
    </LinkButton>
  );
}
