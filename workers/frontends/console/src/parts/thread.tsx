/** The items of a conversation as a thread. What a model wrote is text here, never markup. */
import { Text } from '@mantine/core';
import type { Item } from '../../../../../shared/contracts/conversations.ts';
import { Json, Status } from './values.tsx';

export function Thread({ items }: { readonly items: readonly Item[] }) {
  return (
    <div className="fh-thread">
      {items.map((item) => (
        <ThreadItem key={item.id} item={item} />
      ))}
    </div>
  );
}

function ThreadItem({ item }: { readonly item: Item }) {
  switch (item.type) {
    case 'message':
      return (
        <div className="fh-message" data-role={item.role}>
          <span className="fh-unseen">{item.role}: </span>
          <div className="fh-text">{item.content.map(textOf).join('\n')}</div>
        </div>
      );
    case 'function_call':
      return <Call name={item.name} status={item.status} input={item.arguments} />;
    case 'function_call_output':
      return <Call name="Result from the client" input={item.output} />;
    case 'mcp_call':
      return (
        <Call
          name={`${item.server_label} · ${item.name}`}
          status={item.status}
          input={item.arguments}
          output={item.output ?? item.error?.content.map(({ text }) => text).join('\n')}
        />
      );
    case 'mcp_approval_request':
      return <Call name={`${item.server_label} · ${item.name}`} status="waiting_approval" input={item.arguments} />;
    case 'mcp_list_tools':
      return <Call name={`Tools of ${item.server_label}`} input={item.tools.map(({ name }) => name).join(', ')} />;
    case 'compaction':
      return <Call name="Summary of what came before" input={item.summary} />;
  }
}

function textOf(part: { readonly type: string; readonly text?: unknown; readonly refusal?: unknown }): string {
  if (typeof part.text === 'string') return part.text;
  return typeof part.refusal === 'string' ? part.refusal : `[${part.type}]`;
}

type CallProps = {
  readonly name: string;
  readonly status?: string;
  readonly input: unknown;
  readonly output?: string | undefined;
};

function Call({ name, status, input, output }: CallProps) {
  return (
    <div className="fh-message" data-role="tool">
      <Text size="sm" fw={560} mb={6}>
        {name} {status !== undefined && <Status value={status} />}
      </Text>
      <Json value={input} label={`${name}: arguments`} />
      {output !== undefined && (
        <>
          <Text size="xs" c="dimmed" mt={8} mb={4}>
            Result
          </Text>
          <Json value={output} label={`${name}: result`} />
        </>
      )}
    </div>
  );
}
