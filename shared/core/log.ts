/**
 * One wide structured event per operation, through an injected logger. Secrets, prompts and answers are never fields.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export type Logger = {
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

/** JSON lines to the console: what workerd and Node both collect from standard output. */
export function jsonLogger(now: () => number, bound: LogFields = {}): Logger {
  const line = (level: string, event: string, fields?: LogFields) =>
    JSON.stringify({ time: new Date(now()).toISOString(), level, event, ...bound, ...fields });
  return {
    info: (event, fields) => console.log(line('info', event, fields)),
    error: (event, fields) => console.error(line('error', event, fields)),
  };
}

export const silentLogger: Logger = { info: () => {}, error: () => {} };

/** The part of an unknown error that a log may hold. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
