/** One agent to talk to, and beside it what a turn is made of: events, memories, tools, tokens, cost, times. */
import { Alert, Button, Group, Select, Stack, Tabs, Text, Textarea } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Agent } from '../../../../../../shared/contracts/agents.ts';
import { useApi } from '../../api/queries.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Thread } from '../../parts/thread.tsx';
import { AgentPicker, useChosenAgent } from '../../parts/use-agents.tsx';
import { EventLog, Recalled, TurnFacts } from './turn-inspector.tsx';
import { usePlaygroundTurn } from './use-playground-turn.ts';
import { LinkButton } from '../../parts/link-button.tsx';

export function PlaygroundPage() {
  const { agents, agent } = useChosenAgent();
  return (
    <Page
      title="Playground"
      about="Talk to an agent as your applications do, and see what happens in each turn."
      actions={<AgentPicker agents={agents.data?.data ?? []} agent={agent} />}
    >
      <Loaded reading={agents}>
        {() =>
          agent ? (
            <Bench key={agent.id} agent={agent} />
          ) : (
            <Empty
              icon="agent"
              title="There is nobody to talk to yet"
              action={<LinkButton to="/agents">Make an agent</LinkButton>}
            />
          )
        }
      </Loaded>
    </Page>
  );
}

const Live = 'live';

function Bench({ agent }: { readonly agent: Agent }) {
  const { slug, published } = agent;
  const [input, setInput] = useState('');
  const [chosen, setChosen] = useState(published.prod === null ? String(agent.version) : Live);
  const model = chosen === Live ? `agent/${slug}` : `agent/${slug}@${chosen}`;
  const { thread, turn, say, stop, restart } = usePlaygroundTurn(model);
  const prices = useApi('GET /v1/prices');
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [thread]);
  const isRunning = turn?.status === 'running';
  const send = () => {
    if (input.trim() === '' || isRunning) return;
    setInput('');
    void say(input.trim());
  };
  return (
    <div className="fh-split fh-bench">
      <Panel
        title="Conversation"
        about={<code>{model}</code>}
        actions={
          <>
            <Select
              size="xs"
              w={170}
              aria-label="Version"
              data={versionsOf(agent)}
              value={chosen}
              onChange={(next) => next !== null && setChosen(next)}
              allowDeselect={false}
              searchable={agent.version > 8}
              disabled={isRunning}
            />
            <Button size="xs" variant="default" onClick={restart} disabled={thread.length === 0}>
              Start anew
            </Button>
          </>
        }
      >
        <Stack className="fh-bench-talk">
          <div className="fh-bench-thread" aria-live="polite" aria-busy={isRunning}>
            {thread.length === 0 ? (
              <Text size="sm" c="dimmed" py="xl" ta="center">
                Ask something. The answer streams in, and the panel beside it shows the turn.
              </Text>
            ) : (
              <Thread items={thread} />
            )}
            <div ref={end} />
          </div>
          {turn?.fault !== undefined && (
            <Alert role="alert" variant="default" className="fh-alert fh-alert-bad" title="The turn failed">
              {turn.fault}
            </Alert>
          )}
          <form
            onSubmit={(event) => {
              event.preventDefault();
              send();
            }}
          >
            <Group align="flex-end" gap="xs" wrap="nowrap">
              <Textarea
                flex={1}
                aria-label="Message"
                placeholder="Ask something"
                autosize
                minRows={1}
                maxRows={8}
                value={input}
                onChange={(event) => setInput(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
                  event.preventDefault();
                  send();
                }}
              />
              {isRunning ? (
                <Button variant="default" onClick={stop}>
                  Stop
                </Button>
              ) : (
                <Button type="submit" disabled={input.trim() === ''} rightSection={<Icon name="play" size={14} />}>
                  Send
                </Button>
              )}
            </Group>
          </form>
        </Stack>
      </Panel>
      <Panel title="This turn">
        {turn ? (
          <Tabs defaultValue="figures">
            <Tabs.List mb="sm">
              <Tabs.Tab value="figures">Figures</Tabs.Tab>
              <Tabs.Tab value="memories">Memories ({turn.response?.recalled_memories.length ?? 0})</Tabs.Tab>
              <Tabs.Tab value="events">Events ({turn.events.length})</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="figures">
              <TurnFacts turn={turn} prices={prices.data?.data ?? []} />
            </Tabs.Panel>
            <Tabs.Panel value="memories">
              <Recalled turn={turn} agent={slug} />
            </Tabs.Panel>
            <Tabs.Panel value="events">
              <EventLog turn={turn} />
            </Tabs.Panel>
          </Tabs>
        ) : (
          <Text size="sm" c="dimmed">
            Nothing was asked yet.
          </Text>
        )}
      </Panel>
    </div>
  );
}

/** What callers in prod meet, and each version by its number. */
function versionsOf({ version, published: { prod } }: Agent) {
  const numbered = Array.from({ length: version }, (_, at) => String(version - at));
  return [
    ...(prod === null ? [] : [{ value: Live, label: `Live in prod (${prod})` }]),
    ...numbered.map((value) => ({ value, label: `Version ${value}` })),
  ];
}
