/** Words as the extractive engine compares them: folded, lightly stemmed, and without those that say nothing. Pure. */
const stopwords = new Set(
  (
    'a an the and or but if then so as of in on at to from by for with without about into over under between than that this ' +
    'these those it its is are was were be been being am do does did done have has had having can could shall should will ' +
    'would may might must i me my we us our you your he him his she her they them their what which who whom whose when ' +
    'where why how not no yes any some all each there here just also please tell show explain describe give know want ' +
    'need use used using happen happens get gets out make makes like let s t re ve ll d m ok okay hello hi hey thanks thank mean means'
  ).split(' '),
);

export function splitWords(text: string): string[] {
  return (
    text
      .normalize('NFKD')
      .replaceAll(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** Stems of the words that say something, in order. */
export function splitTerms(text: string): string[] {
  return splitWords(text)
    .filter((word) => !stopwords.has(word))
    .map(stem);
}

/** Takes the commonest English endings off, so that "agents", "running" and "stored" meet "agent", "run" and "store". */
export function stem(word: string): string {
  if (word.length <= 3) return word;
  if (/(?:ss|us|is)$/.test(word)) return word;
  let base = word
    .replace(/ies$/, 'y')
    .replace(/(ch|sh|x|z|ss)es$/, '$1')
    .replace(/s$/, '');
  const cut = /^(.{3,}?)(?:ing|ed|er|ly)$/.exec(base)?.[1];
  if (cut !== undefined && /[aeiouy]/.test(cut)) base = cut.replace(/([bdfgklmnprt])\1$/, '$1');
  return base.length > 3 ? base.replace(/e$/, '') : base;
}
