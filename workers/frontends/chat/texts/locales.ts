/** The languages that the element speaks. The edge chooses by them too, without carrying the texts. */
export const locales = ['en', 'de', 'fr', 'es', 'ar', 'ja'] as const;
export type Locale = (typeof locales)[number];

/** The first of the wishes that the element speaks: `de-AT` is `de`. */
export function chooseLocale(wishes: readonly (string | null | undefined)[]): Locale {
  for (const wish of wishes) {
    const language = wish?.trim().toLowerCase().split(/[-_;]/)[0];
    const known = locales.find((locale) => locale === language);
    if (known) return known;
  }
  return 'en';
}
