/** One conversation, from its beginning. */
import { Text } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useApi, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Thread } from '../../parts/thread.tsx';
import { Id } from '../../parts/values.tsx';

export function ConversationPage() {
  const { conversation = '' } = useParams({ strict: false });
  const navigate = useNavigate();
  const params = { conversation };
  const items = useApi('GET /v1/conversations/{conversation}/items', { params, query: { order: 'asc', limit: 100 } });
  const remove = useChange('DELETE /v1/conversations/{conversation}', ['/v1/conversations']);
  return (
    <Page
      title="Conversation"
      about={<Id value={conversation} />}
      actions={
        <ConfirmButton
          size="sm"
          label="Delete"
          title="Delete this conversation?"
          onConfirm={async () => {
            await remove.mutateAsync({ params });
            await navigate({ to: '/conversations' });
          }}
        >
          Its items and responses go with it. This cannot be taken back.
        </ConfirmButton>
      }
    >
      <Panel>
        <Loaded reading={items}>
          {({ data, has_more }) => (
            <>
              {data.length === 0 ? (
                <Text size="sm" c="dimmed">
                  It has no items.
                </Text>
              ) : (
                <Thread items={data} />
              )}
              {has_more && (
                <Text size="sm" c="dimmed" mt="md">
                  The first hundred items are shown.
                </Text>
              )}
            </>
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
