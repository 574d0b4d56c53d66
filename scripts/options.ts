/** The options of `npm start`: command line first, then environment, then defaults. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export type StartOptions = {
  readonly port: number;
  readonly dataDir: string;
  readonly demo: boolean;
  readonly watch: boolean;
  /** Settings of the platform that come by the environment. */
  readonly vars: Readonly<Record<string, string>>;
};

const passedOn = ['EGRESS_ALLOW', 'OTLP_ENDPOINT', 'OTLP_HEADERS', 'AGENT_BUCKETS'];

const usage = 'Usage: npm start -- [--port 8787] [--data .freehold] [--no-demo]';

export function parseStartOptions(args: readonly string[], env: NodeJS.ProcessEnv): StartOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        demo: { type: 'boolean', default: true },
        watch: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
  const text = values.port ?? env['PORT'] ?? '8787';
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new Error(`The port "${text}" is not a number up to 65535.\n${usage}`);
  return {
    port,
    dataDir: resolve(values.data ?? env['FREEHOLD_DATA'] ?? '.freehold'),
    demo: values.demo,
    watch: values.watch,
    vars: Object.fromEntries(passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]))),
  };
}
