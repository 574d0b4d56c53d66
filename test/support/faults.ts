/**
 * Bindings that fail at every nth call: before it is done, or after (its answer is lost), or late. What they say of it
 * is nothing for a caller's eyes: `internals` finds it.
 */

export const faultKinds = ['throws', 'answer lost', 'slow'] as const;
export type FaultKind = (typeof faultKinds)[number];

const Said = 'D1_ERROR: disk I/O error at /var/lib/shard-7.sqlite: SELECT text FROM memories';
export const internals = /D1_ERROR|I\/O|\/var\/lib|SELECT|sqlite|stack|\.ts:|Error:/i;

export class Faults {
  #nth: number | undefined;
  #kind: FaultKind = 'throws';
  #calls = 0;
  /** Calls that failed or came late. */
  struck = 0;

  /** From now on every nth call; the first after `calls` calls. */
  arm(kind: FaultKind, nth: number, calls: number): void {
    this.#kind = kind;
    this.#nth = nth;
    this.#calls = nth - 1 - Math.min(calls, nth - 1);
    this.struck = 0;
  }

  disarm(): void {
    this.#nth = undefined;
  }

  async call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#nth === undefined || ++this.#calls % this.#nth !== 0) return work();
    this.struck++;
    if (this.#kind === 'throws') throw new Error(Said);
    if (this.#kind === 'slow') await new Promise((resolve) => setTimeout(resolve));
    const done = await work();
    if (this.#kind === 'answer lost') throw new Error(Said);
    return done;
  }
}

const queries = new Set<PropertyKey>(['all', 'first', 'raw', 'run']);

/** D1, each of whose queries and batches is one call. */
export function faultyDatabase(database: D1Database, faults: Faults): D1Database {
  const originals = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const faulty = new Proxy(statement, {
      get(target, name) {
        if (name === 'bind') return (...values: unknown[]) => wrap(target.bind(...values));
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        const method = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
        return queries.has(name) ? (...args: unknown[]) => faults.call(() => method(...args)) : method;
      },
    });
    originals.set(faulty, statement);
    return faulty;
  };
  return new Proxy(database, {
    get(target, name) {
      if (name === 'prepare') return (sql: string) => wrap(target.prepare(sql));
      if (name === 'batch')
        return (list: D1PreparedStatement[]) =>
          faults.call(() => target.batch(list.map((each) => originals.get(each) ?? each)));
      return Reflect.get(target, name, target) as unknown;
    },
  });
}

/** An object's stub, each of whose methods is one call. */
export function faultyStub<T extends object>(stub: T, faults: Faults): T {
  return new Proxy(stub, {
    get(target, name) {
      const method = (...args: unknown[]) =>
        faults.call(() => (Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>)(...args));
      return name === 'then' ? undefined : method;
    },
  });
}
