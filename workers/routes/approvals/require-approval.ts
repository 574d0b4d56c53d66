/** The conversation that an approval lives in, out of the approval's own id. */
import { conversationOfApproval, isId, type ApprovalId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { ConversationDoor } from '../../edge/doors.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';

export function requireApproval(
  call: TenantCall,
  id: string,
): Result<{ readonly id: ApprovalId; readonly conversation: ConversationDoor }> {
  return isId('approval', id)
    ? ok({ id, conversation: call.conversation(conversationOfApproval(id)) })
    : err('not_found', 'There is no such approval.');
}
