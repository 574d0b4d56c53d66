/** A response object as a turn begins with it. */
import type { ResponseId } from '../../shared/core/ids.ts';
import type { Response } from '../../shared/contracts/responses.ts';
import { blankResponse as begun } from '../../shared/inference/start-turn.ts';

export function blankResponse(change: Partial<Response> = {}): Response {
  const clock = { now: () => 1_000 };
  return { ...begun({ clock }, 'resp_1' as ResponseId, 'm'), status: 'in_progress', ...change };
}
