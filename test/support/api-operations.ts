/** The operations of the running API, out of its own OpenAPI document, and the whole table out of the code. */
import { build } from 'esbuild';
import type { Dispatcher } from 'undici';
import { repositoryRoot } from '../../scripts/platform.ts';
import type { Route } from '../../workers/http/define-route.ts';
import type { OpenApiDocument, OpenApiOperation } from '../../workers/http/openapi.ts';
import { SchemaReader, type JsonSchema } from './json-schema.ts';
import type { TestPlatform } from './running-platform.ts';

type Contents = Readonly<Record<string, { readonly schema: JsonSchema }>>;

export type Operation = {
  readonly id: string;
  readonly method: Dispatcher.HttpMethod;
  /** With its parameters in braces. */
  readonly path: string;
  readonly host: 'apex' | 'tenant' | 'any';
  readonly access: 'public' | 'tenant' | 'operator';
  readonly permission: string | null;
  readonly pathParams: readonly string[];
  readonly queryParams: readonly { readonly name: string; readonly schema: JsonSchema }[];
  readonly headerParams: readonly string[];
  readonly body?: { readonly media: string; readonly schema: JsonSchema };
  /** By status, by media type. */
  readonly responses: Readonly<Record<string, Contents>>;
};

export type Api = {
  readonly document: OpenApiDocument;
  readonly operations: readonly Operation[];
  readonly schemas: SchemaReader;
};

export async function readApi(platform: Pick<TestPlatform, 'call'>, apex = 'localhost'): Promise<Api> {
  const document = (await platform.call('GET', apex, '/openapi.json')).json() as OpenApiDocument;
  const { schemas } = document.components as { schemas: Record<string, JsonSchema> };
  const operations = Object.entries(document.paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) =>
        [operation, operation['x-other-host']].flatMap((each) => (each ? [toOperation(path, method, each)] : [])),
      ),
    )
    .toSorted((a, b) => switchRank(a) - switchRank(b));
  return { document, operations, schemas: new SchemaReader(schemas) };
}

/** What stops runs comes last, and after it what lets them begin again: who walks all operations leaves none stopped. */
function switchRank({ id }: Operation): number {
  return id === 'stopTenant' || id === 'suspendAgent' ? 1 : id.startsWith('resume') ? 2 : 0;
}

function toOperation(path: string, method: string, operation: OpenApiOperation): Operation {
  const parameters = operation.parameters as readonly { name: string; in: string; schema: JsonSchema }[];
  const content = Object.entries((operation.requestBody as { content: Contents } | undefined)?.content ?? {})[0];
  const secured = Object.keys(operation.security[0] ?? {})[0];
  return {
    id: operation.operationId,
    method: method.toUpperCase() as Dispatcher.HttpMethod,
    path,
    host: operation['x-host'],
    access: secured === 'tenantKey' ? 'tenant' : secured === 'operatorToken' ? 'operator' : 'public',
    permission: operation['x-permission'] ?? null,
    pathParams: parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name),
    queryParams: parameters.filter((parameter) => parameter.in === 'query'),
    headerParams: parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name),
    ...(content ? { body: { media: content[0], schema: content[1].schema } } : {}),
    responses: Object.fromEntries(
      Object.entries(operation.responses).map(([status, response]) => [
        status,
        (response as { content?: Contents }).content ?? {},
      ]),
    ),
  };
}

export function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? `no-${name}`).replaceAll('%2F', '/'),
  );
}

/** The code's own table. Its pages are text for the bundler, so it is bundled as the Worker is. */
export async function loadRouteTable(): Promise<readonly Route[]> {
  const bundle = await build({
    entryPoints: [`${repositoryRoot}/workers/routes/index.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'node',
    external: ['cloudflare:*'],
    loader: { '.html': 'text', '.css': 'text' },
    logLevel: 'error',
  });
  const url = `data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0]!.contents).toString('base64')}`;
  return ((await import(/* @vite-ignore */ url)) as { routes: readonly Route[] }).routes;
}
