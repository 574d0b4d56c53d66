/** The element's own words: every language says everything, and the reader's is chosen. */
import { describe, expect, test } from 'vitest';
import { readAcceptLanguage } from '../../../../shared/core/accept-language.ts';
import { chooseLocale } from '../../../../workers/frontends/chat/texts/locales.ts';
import { catalogues, type Texts } from '../../../../workers/frontends/chat/texts/texts.ts';

function say(texts: Texts): string[] {
  const all = { ...texts, ...texts.files, ...texts.errors, files: '', errors: '' };
  return Object.values(all).map((text) => (typeof text === 'function' ? text('X' as never) : String(text)));
}

describe('texts', () => {
  test.each(Object.entries(catalogues))('%s leaves nothing unsaid, and nothing that it was told', (_, texts) => {
    const said = say(texts);
    expect(said.filter((text) => text === '').length).toBe(2);
    expect(said.filter((text) => /undefined|\[object/.test(text))).toEqual([]);
  });

  test('no language but English says what English says', () => {
    const { en, ...others } = catalogues;
    for (const texts of Object.values(others)) {
      expect(texts.errors.tenant_suspended).not.toBe(en.errors.tenant_suspended);
      expect(texts.send).not.toBe(en.send);
    }
  });

  test.each([
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['nl,fr;q=0.4,ja;q=0.7', 'ja'],
    ['ar-EG', 'ar'],
    ['es;q=0,en', 'en'],
    ['', 'en'],
    ['constructor,__proto__', 'en'],
  ])('of %j it speaks %s', (header, locale) => {
    expect(chooseLocale(readAcceptLanguage(header))).toBe(locale);
  });
});
