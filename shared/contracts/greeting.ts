/**
 * What an agent says first: one text, or a text by environment, language and time of day. A text may be variants, of which
 * every visitor always meets the same one (shared/agents/choose-greeting.ts).
 */
import { z } from 'zod';
import { environment } from './environment.ts';

export const timeOfDay = z.enum(['morning', 'afternoon', 'evening', 'night']);
export type TimeOfDay = z.infer<typeof timeOfDay>;

export const timeZone = z.string().min(1).max(64).refine(isTimeZone, 'is no time zone; write one like Europe/Vienna');
/** A language, or one of its regions: `de` is met by `de-AT`, and not the other way round. */
export const language = z
  .string()
  .regex(/^[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8}){0,3}$/, 'a language tag like de or pt-BR');

const text = z.string().max(1_000);
export const greetingVariant = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'lower-case letters, digits, _ and -, at most 40'),
  text,
  /** Its share among the variants beside it. */
  weight: z.number().int().min(1).max(1_000).default(1),
});
export type GreetingVariant = z.infer<typeof greetingVariant>;
const said = z.union([text, z.array(greetingVariant).min(1).max(10)]);

/** Who meets this greeting: all that is named must hold. */
const when = z
  .strictObject({
    environment: environment.optional(),
    language: language.optional(),
    time_of_day: timeOfDay.optional(),
  })
  .refine((condition) => Object.keys(condition).length > 0, 'names nothing; what always holds is "default"');

export const greetingRules = z
  .strictObject({
    default: said,
    /** The first whose `when` holds is said. */
    cases: z
      .array(z.strictObject({ when, say: said }))
      .max(60)
      .default([]),
    /** Tells the time of day where a visitor's own is not known. */
    timezone: timeZone.default('UTC'),
  })
  .superRefine(({ default: otherwise, cases }, context) => {
    const names = [otherwise, ...cases.map(({ say }) => say)].flatMap((each) =>
      typeof each === 'string' ? [] : each.map(({ name }) => name),
    );
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      context.addIssue({ code: 'custom', message: `has two variants named "${twice}"; they are counted by name` });
    }
  });
export type GreetingRules = z.infer<typeof greetingRules>;

export const greeting = z.union([text, greetingRules]);
export type Greeting = z.infer<typeof greeting>;

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}
