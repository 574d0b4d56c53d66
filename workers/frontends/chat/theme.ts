/**
 * A tenant's branding as CSS variables. Whatever the colours, text that is drawn with them can be read: what a tenant chose
 * is moved towards black or white until its contrast is 4.5 to 1. Pure.
 */
import type { ChatProfile } from '../../../shared/contracts/branding.ts';
import { computeContrast, parseColor, type Rgb } from '../../../shared/core/contrast.ts';

export type Scheme = Readonly<
  Record<
    | 'ground'
    | 'surface'
    | 'raised'
    | 'text'
    | 'muted'
    | 'line'
    | 'edge'
    | 'accent'
    | 'fill'
    | 'on-fill'
    | 'own'
    | 'warn'
    | 'warn-ground',
    string
  >
>;
type Colors = ChatProfile['colors'];

const white: Rgb = [255, 255, 255];
const black: Rgb = [0, 0, 0];
const fonts: Readonly<Record<ChatProfile['font'], string>> = {
  system: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  serif: "'Iowan Old Style', 'Palatino Linotype', Georgia, 'Noto Serif', 'Liberation Serif', serif",
  rounded: "ui-rounded, 'SF Pro Rounded', 'Hiragino Maru Gothic ProN', Quicksand, Nunito, 'Noto Sans', sans-serif",
  mono: "ui-monospace, 'SF Mono', Menlo, Consolas, 'Noto Sans Mono', 'Liberation Mono', monospace",
};

export function makeScheme(colors: Colors, isDark: boolean): Scheme {
  const accent = rgb(colors.accent, [70, 106, 159]);
  const asked = rgb(isDark ? colors.background_dark : colors.background, isDark ? [18, 20, 23] : [250, 250, 249]);
  const isGroundDark = computeContrast(asked, white) > computeContrast(asked, black);
  const far = isGroundDark ? white : black;
  const near = isGroundDark ? black : white;
  const ground = readable(asked, [far], near, 8);
  const surface = mix(ground, white, isGroundDark ? 0.05 : 1);
  const raised = mix(surface, far, isGroundDark ? 0.09 : 0.045);
  const own = readable(mix(surface, accent, isGroundDark ? 0.28 : 0.14), [far], near, 6);
  const grounds = [ground, surface, raised, own];
  const chosen = rgb(isDark ? colors.text_dark : colors.text, isGroundDark ? [233, 234, 236] : [27, 29, 33]);
  const text = readable(chosen, grounds, far, 7);
  const fill = readable(accent, [ground, surface], far, 1.8);
  const warnGround = mix(surface, [214, 137, 16], isGroundDark ? 0.16 : 0.12);
  const all = {
    ground,
    surface,
    raised,
    text,
    muted: readable(mix(text, ground, 0.38), grounds, far, 4.6),
    line: mix(surface, far, isGroundDark ? 0.14 : 0.11),
    edge: readable(mix(surface, far, 0.4), [ground, surface], far, 3),
    accent: readable(accent, grounds, far, 4.6),
    fill,
    'on-fill': computeContrast(fill, white) >= 4.5 ? white : readable(black, [fill], black, 4.5),
    own,
    warn: readable(isGroundDark ? [240, 189, 124] : [138, 75, 8], [warnGround, surface], far, 4.6),
    'warn-ground': warnGround,
  };
  return Object.fromEntries(Object.entries(all).map(([name, color]) => [name, hex(color)])) as Scheme;
}

/** The variables of the element, by name. Both schemes are in each: which one holds, `color-scheme` says. */
export function themeVariables(profile: ChatProfile): ReadonlyMap<string, string> {
  const light = makeScheme(profile.colors, false);
  const dark = makeScheme(profile.colors, true);
  const variables = new Map<string, string>();
  for (const name of Object.keys(light) as (keyof Scheme)[]) {
    variables.set(`--freehold-${name}`, `light-dark(${light[name]}, ${dark[name]})`);
  }
  variables.set('--freehold-font', fonts[profile.font]);
  variables.set('--freehold-radius', `${profile.radius_px}px`);
  for (const [name, value] of Object.entries(profile.css_variables)) variables.set(name, value);
  return variables;
}

function rgb(text: string | null, otherwise: Rgb): Rgb {
  return (text === null ? undefined : parseColor(text)) ?? otherwise;
}

function mix(one: Rgb, other: Rgb, share: number): Rgb {
  return one.map((part, at) => Math.round(part + (other[at]! - part) * share)) as unknown as Rgb;
}

/** The colour, moved as far towards `far` as it takes to stand out from every ground; if none does, black or white. */
function readable(color: Rgb, grounds: readonly Rgb[], far: Rgb, contrast: number): Rgb {
  const worst = (each: Rgb) => Math.min(...grounds.map((ground) => computeContrast(each, ground)));
  for (let share = 0; share <= 1; share += 0.05) {
    const moved = mix(color, far, share);
    if (worst(moved) >= contrast) return moved;
  }
  return worst(white) > worst(black) ? white : black;
}

function hex(color: Rgb): string {
  return `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
