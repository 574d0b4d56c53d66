/** The object of a conversation, where the id can be one. */
import { isId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { ConversationDoor } from '../../edge/doors.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';

export function requireConversation(call: TenantCall, id: string): Result<ConversationDoor> {
  return isId('conversation', id) ? ok(call.conversation(id)) : err('not_found', 'There is no such conversation.');
}
