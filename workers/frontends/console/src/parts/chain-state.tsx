/** Whether a hash chain holds, how long it is, and the hash that it leads to. */
import { Alert } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { formatNumber } from './format.ts';
import { Panel } from './page.tsx';
import { Loaded } from './states.tsx';
import { Facts, Id, Status } from './values.tsx';

type Verification = {
  readonly valid: boolean;
  readonly entries: number;
  readonly head: string;
  readonly first_invalid: { readonly sequence: number; readonly reason: string } | null;
};

export function ChainState({ reading }: { readonly reading: UseQueryResult<Verification, Error> }) {
  return (
    <Loaded reading={reading} lines={1}>
      {({ valid, entries, head, first_invalid }) =>
        valid ? (
          <Panel>
            <Facts
              of={[
                ['Chain', <Status key="chain" value="valid" label="Verified" />],
                ['Entries', formatNumber(entries)],
                ['Head', <Id key="head" value={head} />],
              ]}
            />
          </Panel>
        ) : (
          <Alert role="alert" variant="default" className="fh-alert fh-alert-bad" title="The chain does not hold">
            {first_invalid && `Entry ${first_invalid.sequence}: ${first_invalid.reason}`}
          </Alert>
        )
      }
    </Loaded>
  );
}
