/** The conversation that a response lives in, out of the response's own id. */
import { conversationOfResponse, isId, type ResponseId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { ConversationDoor } from '../../edge/doors.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';

export function requireResponse(
  call: TenantCall,
  id: string,
): Result<{ readonly id: ResponseId; readonly conversation: ConversationDoor }> {
  return isId('response', id)
    ? ok({ id, conversation: call.conversation(conversationOfResponse(id)) })
    : err('not_found', 'There is no such response.');
}
