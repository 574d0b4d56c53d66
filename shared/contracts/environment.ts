/** Where a version of an agent is live. A key says in which environment its holder acts. */
import { z } from 'zod';

export const environment = z.enum(['dev', 'staging', 'prod']);
export type Environment = z.infer<typeof environment>;
