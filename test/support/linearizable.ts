/**
 * Whether what clients saw of one register can be explained by one order of its operations that respects real time: the
 * search of Wing and Gong, with what was tried already remembered (Lowe). Values that are written are unique.
 */
export type Operation = {
  readonly kind: 'write' | 'read';
  readonly value: string;
  readonly invokedAt: number;
  /** Undefined: nobody knows whether it took effect. Only a write may be so. */
  readonly answeredAt: number | undefined;
};

type Place = { readonly value: string; readonly done: ReadonlySet<number> };

export function isLinearizable(history: readonly Operation[], initial: string): boolean {
  const ops = history.toSorted((a, b) => a.invokedAt - b.invokedAt);
  const sure = ops.flatMap(({ answeredAt }, at) => (answeredAt === undefined ? [] : [at]));
  const tried = new Set<string>();
  const stack: Place[] = [{ value: initial, done: new Set() }];
  for (let place = stack.pop(); place; place = stack.pop()) {
    const { value, done } = place;
    const open = sure.filter((at) => !done.has(at));
    if (open.length === 0) return true;
    const before = Math.min(...open.map((at) => ops[at]!.answeredAt!));
    const next = ops.flatMap((op, at) => (!done.has(at) && op.invokedAt <= before ? [at] : []));
    // A read that fits now loses nothing by being now.
    const read = next.find((at) => ops[at]!.kind === 'read' && ops[at]!.value === value);
    const choices = read === undefined ? next.filter((at) => ops[at]!.kind === 'write') : [read];
    for (const at of choices) {
      const after = { value: ops[at]!.value, done: new Set(done).add(at) };
      const key = `${after.value} ${[...after.done].toSorted((a, b) => a - b).join(',')}`;
      if (tried.has(key)) continue;
      tried.add(key);
      stack.push(after);
    }
  }
  return false;
}
