/** How an answer says that a budget let its run through on a cheaper model: its `model` is that one, and this header the wanted. */
import type { ReplyHeaders } from '../../http/reply.ts';

export const DegradedHeader = 'x-freehold-degraded-from';

/** The headers of a turn's answer, once the turn is over. A stream's own are out before that is known. */
export function degradedHeaders(wanted: string, used: string): ReplyHeaders {
  return wanted === used ? {} : { [DegradedHeader]: wanted };
}
