/** Export and import of a whole tenant: what may be asked, and what an import answers. The archive's form: shared/store. */
import { z } from 'zod';
import { slug } from './common.ts';
import { tenant } from './tenants.ts';

export const passphrase = z.string().min(12).max(1_000);

export const createExport = z.strictObject({
  passphrase: passphrase
    .optional()
    .meta({ writeOnly: true })
    .describe('Seals the secrets in the archive. Without it they are left out.'),
  after: z
    .strictObject({ cursor: z.string().min(1).max(10_000), chain: z.string().regex(/^[0-9a-f]{64}$/) })
    .optional()
    .describe('To go on with an archive that was cut: `cursor` and `chain` of its last whole line of rows.'),
});
export type CreateExport = z.infer<typeof createExport>;

export const PassphraseHeader = 'x-archive-passphrase';

export const importQuery = z.object({ slug: slug.optional().describe("Instead of the archive's own.") });

export const importedTenant = z.object({
  object: z.literal('tenant.import'),
  tenant,
  lines: z.number().int(),
  rows: z.number().int(),
});
