/** Path parameters by name. An id of the wrong form is `not_found` later, never a fault here: ids tell nothing. */
import { z } from 'zod';

const ref = z.string().min(1).max(200);

export const agentParams = z.object({ agent: ref.describe("An agent's id or slug.") });
export const agentMemoryParams = z.object({ agent: ref, memory: ref });
export const conversationParams = z.object({ conversation: ref });
export const conversationItemParams = z.object({ conversation: ref, item: ref });
export const responseParams = z.object({ response: ref });
export const keyParams = z.object({ key: ref });
export const secretParams = z.object({ secret: ref.describe("A secret's name.") });
export const memberParams = z.object({ member: ref });
export const issuerParams = z.object({ issuer: ref });
export const receiptParams = z.object({ receipt: ref });
export const budgetParams = z.object({ budget: ref });
export const modelParams = z.object({ model: ref });
export const tenantParams = z.object({ tenant: ref });
