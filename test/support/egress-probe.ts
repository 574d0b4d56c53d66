/** A platform with its own wiring of the ways out, and nothing before them: it asks whatever URL it is told to. */
import { unstable_readConfig } from 'wrangler';
import { join } from 'node:path';
import { loadSecrets, repositoryRoot, startPlatform, type RunningPlatform } from '../../scripts/platform.ts';

export type Asked = { readonly status?: number; readonly error?: string };

const config = unstable_readConfig({ config: join(repositoryRoot, 'wrangler.toml') });
const classes = config.durable_objects.bindings.map(
  ({ class_name }: { class_name: string }) => `export class ${class_name} extends DurableObject {}`,
);
/** Asks a URL through the service that it is told, and nothing else. */
const script = `
import { DurableObject } from 'cloudflare:workers';
${classes.join('\n')}
export default { async fetch(request, env) {
  const { service, url } = await request.json();
  try {
    const init = { redirect: 'manual', signal: AbortSignal.timeout(20000) };
    const answer = await (service === 'global' ? fetch(url, init) : env[service].fetch(url, init));
    await answer.text();
    return Response.json({ status: answer.status });
  } catch (error) {
    return Response.json({ error: String(error) });
  }
} }`;

export async function startProbe(dataDir: string, allow: string): Promise<RunningPlatform> {
  const secrets = await loadSecrets(dataDir);
  return startPlatform({ dataDir, port: 0, secrets, script, vars: { EGRESS_ALLOW: allow } });
}

export async function askProbe(
  { port }: Pick<RunningPlatform, 'port'>,
  service: 'EGRESS' | 'EGRESS_NAMED' | 'global',
  url: string,
): Promise<Asked> {
  const body = JSON.stringify({ service, url });
  return (await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).json()) as Asked;
}
