/** What changed between two states of something: place by place, what was there and what is there now. */
import { Text } from '@mantine/core';
import type { AgentDiff } from '../../../../../shared/contracts/agents.ts';

type Props = { readonly changes: AgentDiff['changes']; readonly none: string };

export function JsonChanges({ changes, none }: Props) {
  if (changes.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {none}
      </Text>
    );
  }
  return (
    <div className="fh-diff">
      {changes.map(({ op, path, before, after }) => (
        <div key={path}>
          <div className="fh-diff-path">{path === '' ? '/' : path}</div>
          {op !== 'add' && (
            <pre data-op="before">
              <span className="fh-unseen">Before: </span>
              {show(before)}
            </pre>
          )}
          {op !== 'remove' && (
            <pre data-op="after">
              <span className="fh-unseen">After: </span>
              {show(after)}
            </pre>
          )}
        </div>
      ))}
    </div>
  );
}

const show = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));
