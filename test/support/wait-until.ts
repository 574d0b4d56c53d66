/** Waits for a condition with a bound, so that a test never sleeps and never hangs. */

const EveryMs = 10;

export async function waitUntil<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: { readonly withinMs?: number } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + (options.withinMs ?? 30_000);
  for (;;) {
    const met = await probe();
    if (met !== undefined && met !== null && met !== false) return met as NonNullable<Exclude<T, false>>;
    if (performance.now() > deadline) throw new Error(`Waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, EveryMs));
  }
}

/** What a promise gives, or an error that names what did not come in time. */
export async function within<T>(what: string, ms: number, work: Promise<T>): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Not within ${ms} ms: ${what}`)), ms);
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
