/** Secrets: values go in and are never shown again. What the API answers is about them, never they themselves. */
import { z } from 'zod';
import { isoTime } from './common.ts';

export const MaxSecretBytes = 16 * 1024;
export const MaxSecrets = 200;
/** Older versions are destroyed as new ones come. */
export const MaxSecretVersions = 10;

const encoder = new TextEncoder();

export const secretName = z.string().regex(/^[a-z0-9_-]{1,64}$/, 'lower-case letters, digits, _ and -, at most 64');

const secretValue = z
  .string()
  .min(1)
  .max(MaxSecretBytes)
  .refine((value) => encoder.encode(value).length <= MaxSecretBytes, `at most ${MaxSecretBytes} bytes of UTF-8`)
  .meta({ writeOnly: true });

export const createSecret = z.strictObject({ name: secretName, value: secretValue });
export type CreateSecret = z.infer<typeof createSecret>;

export const rotateSecret = z.strictObject({ value: secretValue });

export const secret = z.object({
  object: z.literal('secret'),
  name: z.string(),
  version: z.number().int().describe('The one in use.'),
  versions: z.array(z.number().int()).describe('All that are kept, the newest first.'),
  created_at: isoTime,
  updated_at: isoTime,
  last_accessed_at: isoTime.nullable(),
});
export type Secret = z.infer<typeof secret>;

export const deletedSecret = z.object({
  object: z.literal('secret.deleted'),
  name: z.string(),
  deleted: z.literal(true),
});

/** What a rotation of the tenant's data key has done. */
export const rotatedDataKey = z.object({
  object: z.literal('secrets.data_key'),
  generation: z.number().int(),
  secrets: z.number().int(),
  versions: z.number().int(),
  created_at: isoTime,
});
export type RotatedDataKey = z.infer<typeof rotatedDataKey>;

/** For the platform's own use inside the tenant; no route has it. */
export type RevealedSecret = { readonly name: string; readonly version: number; readonly value: string };
