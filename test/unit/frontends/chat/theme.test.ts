/** Branding as colours: whatever a tenant chose, what is written with them can be read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultBranding } from '../../../../shared/contracts/branding.ts';
import { computeContrast, parseColor } from '../../../../shared/core/contrast.ts';
import { makeScheme, themeVariables, type Scheme } from '../../../../workers/frontends/chat/theme.ts';

const color = fc.integer({ min: 0, max: 0xff_ff_ff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);
const perhaps = fc.option(color, { nil: null });
const colors = fc.record({
  accent: color,
  background: perhaps,
  text: perhaps,
  background_dark: perhaps,
  text_dark: perhaps,
});

const contrast = (one: string, other: string) => computeContrast(parseColor(one)!, parseColor(other)!);

describe('a scheme', () => {
  test('has a contrast of 4.5 to 1 wherever it writes, and of 3 to 1 at the edge of a control', () => {
    fc.assert(
      fc.property(colors, fc.boolean(), (chosen, isDark) => {
        const scheme: Scheme = makeScheme(chosen, isDark);
        const { ground, surface, raised, own } = scheme;
        for (const written of [scheme.text, scheme.muted, scheme.accent]) {
          for (const below of [ground, surface, raised, own])
            expect(contrast(written, below)).toBeGreaterThanOrEqual(4.5);
        }
        expect(contrast(scheme['on-fill'], scheme.fill)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(scheme.warn, scheme['warn-ground'])).toBeGreaterThanOrEqual(4.5);
        for (const below of [ground, surface]) expect(contrast(scheme.edge, below)).toBeGreaterThanOrEqual(3);
      }),
      { numRuns: 500, verbose: true },
    );
  });

  test('keeps an accent that can be read as the tenant chose it', () => {
    expect(makeScheme(defaultBranding.colors, false).fill).toBe('#466a9f');
  });
});

test("a tenant's own variables have the last word", () => {
  const css = { '--freehold-bubble': '#112233', '--freehold-radius': '2px' };
  const profile = {
    ...defaultBranding,
    object: 'chat.profile',
    agent: 'a',
    agent_name: 'A',
    greeting: '',
    takes_images: false,
  } as const;
  const variables = themeVariables({ ...profile, css_variables: css });
  expect(variables.get('--freehold-bubble')).toBe('#112233');
  expect(variables.get('--freehold-radius')).toBe('2px');
});
