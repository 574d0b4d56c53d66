import type { JobClaims } from '../../../shared/contracts/inference.ts';

type Hurry = { readonly service_tier?: string | null | undefined; readonly stream?: boolean | null | undefined };

/** OpenAI's `flex` says that the answer can wait; a stream is watched by somebody. */
export function laneOf({ service_tier: tier, stream }: Hurry): JobClaims['lane'] {
  if (tier === 'flex') return 'batch';
  return stream || tier === 'priority' ? 'interactive' : 'standard';
}
