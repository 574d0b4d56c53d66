/** Values inside a definition by their dotted path. Pure: a change makes a new one. */
type Json = Readonly<Record<string, unknown>>;

export function getAt(from: Json, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Json | undefined)?.[name], from);
}

/** `undefined` takes the member away, and what is left empty by that as well. */
export function setAt(into: Json, path: string, value: unknown): Json {
  const [name = '', ...rest] = path.split('.');
  const inner = rest.length === 0 ? value : setAt((into[name] ?? {}) as Json, rest.join('.'), value);
  const { [name]: _, ...others } = into;
  const isGone = inner === undefined || (rest.length > 0 && Object.keys(inner as Json).length === 0);
  return isGone ? others : { ...into, [name]: inner };
}
