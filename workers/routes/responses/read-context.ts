/** What a request for a response refers to: a conversation, a response before it, or nothing. */
import { conversationOfResponse, isId, type ConversationId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { CreateResponse } from '../../../shared/contracts/responses.ts';
import type { TurnStart } from '../../../shared/contracts/turn-start.ts';

export type ReadContext = { readonly context: TurnStart['context']; readonly conversationId?: ConversationId };

type Placed = Pick<CreateResponse, 'conversation' | 'previous_response_id'> &
  Partial<Pick<CreateResponse, 'background' | 'store'>>;

/** Where the turn happens: in the named conversation, after the named response, or in a place of its own. */
export function readContext(body: Placed): Result<ReadContext> {
  const named = typeof body.conversation === 'string' ? body.conversation : body.conversation?.id;
  const previous = body.previous_response_id ?? undefined;
  if (named !== undefined && previous !== undefined) {
    return err('invalid_request', 'Give "conversation" or "previous_response_id", not both.', {
      param: 'conversation',
    });
  }
  if (body.background && body.store === false) {
    return err(
      'invalid_request',
      '"background" needs "store": a response that is not stored cannot be fetched later.',
      {
        param: 'background',
      },
    );
  }
  if (named !== undefined) {
    return isId('conversation', named)
      ? ok({ context: { kind: 'thread' }, conversationId: named })
      : err('not_found', `There is no conversation "${named}".`, { param: 'conversation' });
  }
  if (previous !== undefined) {
    return isId('response', previous)
      ? ok({ context: { kind: 'previous', id: previous }, conversationId: conversationOfResponse(previous) })
      : err('not_found', `There is no response "${previous}".`, { param: 'previous_response_id' });
  }
  return ok({ context: { kind: 'none' } });
}
