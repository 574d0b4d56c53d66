/** Which colours of a tenant's some visitors could not tell apart; the console says it while they are chosen. */
import { computeContrast, parseColor } from './contrast.ts';

/** WCAG 2.2, 1.4.3: contrast of ordinary text. */
const LeastTextContrast = 4.5;
/** WCAG 2.2, 1.4.11: contrast of what is not text. */
const LeastPartContrast = 3;

const chatColors = {
  light: { background: '#ffffff', text: '#1c2230' },
  dark: { background: '#14171d', text: '#e8eaf0' },
};

export type ChatColors = {
  readonly accent: string;
  readonly background: string | null;
  readonly text: string | null;
  readonly background_dark: string | null;
  readonly text_dark: string | null;
};

export function findColorWarnings(colors: ChatColors): string[] {
  const light = {
    background: colors.background ?? chatColors.light.background,
    text: colors.text ?? chatColors.light.text,
  };
  const dark = {
    background: colors.background_dark ?? chatColors.dark.background,
    text: colors.text_dark ?? chatColors.dark.text,
  };
  return [
    warn('colors.text on colors.background', light.text, light.background, LeastTextContrast),
    warn('colors.text_dark on colors.background_dark', dark.text, dark.background, LeastTextContrast),
    warn('colors.accent on colors.background', colors.accent, light.background, LeastPartContrast),
    warn('colors.accent on colors.background_dark', colors.accent, dark.background, LeastPartContrast),
  ].filter((warning) => warning !== undefined);
}

/** A colour that is not whole yet has no contrast to warn of. */
function warn(what: string, one: string, other: string, least: number): string | undefined {
  const [first, second] = [parseColor(one), parseColor(other)];
  if (!first || !second) return undefined;
  const contrast = computeContrast(first, second);
  if (contrast >= least) return undefined;
  return `${what}: the contrast is ${contrast.toFixed(1)}, and ${least} is the least that everybody can read.`;
}
