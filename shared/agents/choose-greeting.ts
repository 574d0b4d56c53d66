/** Which greeting a visitor meets. Pure: the same visitor, place and time always give the same text. */
import type { Environment } from '../contracts/environment.ts';
import type { Greeting, GreetingRules, GreetingVariant, TimeOfDay } from '../contracts/greeting.ts';

export type Encounter = {
  readonly agentId: string;
  readonly visitorId: string;
  readonly environment: Environment;
  /** The visitor's languages, dearest first. */
  readonly languages: readonly string[];
  /** The visitor's own time zone, where it is known. */
  readonly timeZone: string | undefined;
  readonly at: number;
};

/** `variant`: the name to count it by; null where there is one text for everybody. */
export type ChosenGreeting = { readonly text: string; readonly variant: string | null };

export function chooseGreeting(greeting: Greeting, encounter: Encounter): ChosenGreeting {
  if (typeof greeting === 'string') return { text: greeting, variant: null };
  const said = findCase(greeting, encounter)?.say ?? greeting.default;
  if (typeof said === 'string') return { text: said, variant: null };
  const { text, name } = pickVariant(said, `${encounter.agentId}/${encounter.visitorId}`);
  return { text, variant: name };
}

export function timeOfDayAt(at: number, timeZone: string): TimeOfDay {
  const hour = Number(new Intl.DateTimeFormat('en', { hour: 'numeric', hourCycle: 'h23', timeZone }).format(at));
  if (hour < 5 || hour >= 22) return 'night';
  return hour < 12 ? 'morning' : hour < 18 ? 'afternoon' : 'evening';
}

/** The dearest language that some case speaks is the visitor's; the other cases of languages do not hold. */
function findCase(
  { cases, timezone }: GreetingRules,
  encounter: Encounter,
): GreetingRules['cases'][number] | undefined {
  const time = timeOfDayAt(encounter.at, encounter.timeZone ?? timezone);
  const isLive = ({ when }: GreetingRules['cases'][number]) =>
    (when.environment === undefined || when.environment === encounter.environment) &&
    (when.time_of_day === undefined || when.time_of_day === time);
  const live = cases.filter(isLive);
  const spoken = encounter.languages.find((tag) => live.some(({ when }) => speaks(when.language, tag)));
  return live.find(
    ({ when }) => when.language === undefined || (spoken !== undefined && speaks(when.language, spoken)),
  );
}

function speaks(asked: string | undefined, tag: string): boolean {
  if (asked === undefined) return false;
  const [wanted, given] = [asked.toLowerCase(), tag.toLowerCase()];
  return given === wanted || given.startsWith(`${wanted}-`);
}

function pickVariant(variants: readonly GreetingVariant[], visitor: string): GreetingVariant {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let place = hash(`${variants.map(({ name }) => name).join(',')}/${visitor}`) % total;
  for (const variant of variants) {
    if (place < variant.weight) return variant;
    place -= variant.weight;
  }
  return variants[0]!;
}

/** FNV-1a with a final mix, for an even spread over few variants; nothing secret hangs on it. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
