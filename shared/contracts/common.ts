/** Shapes that every resource shares: the error object, lists, deletions, metadata, pagination. */
import { z } from 'zod';

/** OpenAI's error object: all four members present. */
export const errorObject = z.object({
  message: z.string(),
  type: z.string(),
  param: z.string().nullable(),
  code: z.string().nullable(),
});
export const errorBody = z.object({ error: errorObject });

/** RFC 9457, sent to a caller of the native API that asks for `application/problem+json`. */
export const problemBody = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  param: z.string().nullable(),
});

export function listOf<T extends z.ZodType>(item: T) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    has_more: z.boolean(),
    next_cursor: z.string().nullable(),
  });
}

export type List<T> = { object: 'list'; data: T[]; has_more: boolean; next_cursor: string | null };

/** A page of a list out of one more row than was asked for. */
export function toList<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => string): List<T> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rows.length > limit;
  return {
    object: 'list',
    data,
    has_more: hasMore,
    next_cursor: hasMore && last !== undefined ? cursorOf(last) : null,
  };
}

export const MaxPage = 100;

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MaxPage).default(20),
  cursor: z.string().min(1).max(200).optional(),
});
export type PageQuery = z.infer<typeof pageQuery>;

/** OpenAI's metadata: at most 16 pairs. */
export const metadata = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, 'at most 16 pairs');

export const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'lower-case letters, digits and inner hyphens, at most 40');

export const isoTime = z.iso.datetime();
