/**
 * One wide structured event per operation, through an injected logger. Secrets, prompts and answers are never fields.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export type Logger = {
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

export type WriteLine = (level: 'info' | 'error', line: string) => void;

/** To the console: what workerd and Node both collect from standard output. */
const toConsole: WriteLine = (level, line) => (level === 'info' ? console.log(line) : console.error(line));

/** JSON lines. */
export function jsonLogger(now: () => number, bound: LogFields = {}, write = toConsole): Logger {
  const say = (level: 'info' | 'error') => (event: string, fields?: LogFields) =>
    write(level, JSON.stringify({ time: new Date(now()).toISOString(), level, event, ...bound, ...fields }));
  return { info: say('info'), error: say('error') };
}

export const silentLogger: Logger = { info: () => {}, error: () => {} };

/** The part of an unknown error that a log may hold. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
