/** `npm run freehold -- <command> …`: every command is one file in scripts/freehold, whose `run` gives the exit code. */
export type Command = { readonly run: (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<number> };

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  apply: () => import('./freehold/apply.ts'),
  models: () => import('./freehold/models.ts'),
  'restore-drill': () => import('./freehold/restore-drill.ts'),
  schema: () => import('./freehold/schema.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (load) {
  process.exitCode = await load().then(({ run }) => run(args, process.env));
} else {
  console.error(`usage: npm run freehold -- ${Object.keys(commands).join('|')} …`);
  process.exitCode = 2;
}
