/**
 * The bridge's configuration: command line, then environment, then a JSON file, then what the enrolment left, then defaults; checked by zod before
 * anything starts. A message about a wrong value names the field and where it came from. Secrets of nodes are named by
 * environment variables, never written into the configuration.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { JSONWebKeySet } from 'jose';
import { z } from 'zod';
import { isId, type BridgeId } from '../shared/core/ids.ts';
import { transport } from '../shared/contracts/bridges.ts';
import { jobOperation } from '../shared/contracts/inference.ts';
import { bridgePrivateJwk } from './bridge-key.ts';
import { readEnrolledPlatform } from './enrolment.ts';
import { isJsonObject, parseJson, type JsonObject } from './json-object.ts';
import { nodeKinds } from './nodes/node.ts';

const DefaultDataDir = '.freehold/bridge';
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

export const nodeConfig = z
  .strictObject({
    kind: z.enum(nodeKinds),
    name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, "_", "." or "-"'),
    url: httpUrl.optional(),
    model_path: z.string().min(1).optional(),
    model_id: z.string().min(1).max(200).optional(),
    api_key_env: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'must be the name of an environment variable')
      .optional(),
    external: z.boolean().default(false),
    limit_field: z.enum(['max_tokens', 'max_completion_tokens']).default('max_tokens'),
    always_stream: z.boolean().default(false),
    /** What a model is for, by its id, where its name does not say it. */
    operations: z.record(z.string().max(200), z.array(jobOperation).min(1)).optional(),
    /** Models that take images, by id, where the node does not say so. */
    images: z.array(z.string().min(1).max(200)).max(1_000).optional(),
    /** How many GPUs it computes with: its runs are then metered in GPU-seconds. */
    gpus: z.number().int().min(1).max(64).optional(),
    /** How many jobs it is given at once; the others wait in the bridge. */
    max_concurrency: z.number().int().min(1).max(100_000).optional(),
    /** Models that it is to have in memory: asked for a token before it gets jobs, and again when one has left. */
    keep_warm: z.array(z.string().min(1).max(200)).max(100).optional(),
    threads: z.number().int().min(1).max(256).default(1),
    max_context: z.number().int().min(256).default(8192),
  })
  .superRefine((node, context) => {
    const needs = node.kind === 'gguf' ? 'model_path' : node.kind === 'extractive' ? undefined : 'url';
    if (needs && node[needs] === undefined) {
      context.addIssue({ code: 'custom', path: [needs], message: `is required for a node of kind "${node.kind}"` });
    }
    if (node.keep_warm && (node.url === undefined || node.external)) {
      const message = "is for a node with a url, on the operator's own hardware";
      context.addIssue({ code: 'custom', path: ['keep_warm'], message });
    }
  });
export type NodeConfig = z.infer<typeof nodeConfig>;

function withoutPrivatePart(key: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(key).filter(([name]) => name !== 'd'));
}

const publicJwk = z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().min(1) });
const platformKeys = z
  .union([z.looseObject({ keys: z.array(publicJwk).min(1) }), publicJwk.transform((key) => ({ keys: [key] }))])
  .transform((set) => ({ keys: set.keys.map(withoutPrivatePart) }) as JSONWebKeySet);

export const bridgeConfig = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 8790 without a tunnel; none with one, unless it is set. */
  port: z.coerce.number().int().min(0).max(65_535).optional(),
  data_dir: z.string().min(1).default(DefaultDataDir),
  transport: transport.default('http'),
  /** A one-time token to enrol with at the start. */
  enrolment: z.string().max(4_096).optional(),
  platform_url: httpUrl,
  bridge_id: z.custom<BridgeId>((value) => isId('bridge', value), 'must be a bridge id (brg_…)').optional(),
  platform_keys: platformKeys,
  private_key: bridgePrivateJwk.optional(),
  nodes: z.array(nodeConfig).optional(),
  /** The operator's OpenTelemetry collector, asked over OTLP/HTTP, and the headers it wants: `name=value,…`. */
  otlp_endpoint: httpUrl.optional(),
  otlp_headers: z.string().default(''),
  /** What answers kept for those who ask for them may take of the memory, and for how long each is good. */
  cache_bytes: z.coerce
    .number()
    .int()
    .min(0)
    .default(64 * 1024 * 1024),
  cache_ttl_seconds: z.coerce.number().int().min(1).max(86_400).default(600),
  sync_journal: z.union([z.boolean(), z.stringbool()]).default(false),
});
export type BridgeConfig = z.infer<typeof bridgeConfig>;

/** Where the nodes of a machine usually are; not answering there is not an error. */
export const defaultNodes: readonly z.input<typeof nodeConfig>[] = [
  { kind: 'vllm', name: 'vllm', url: 'http://127.0.0.1:8000' },
  { kind: 'ollama', name: 'ollama', url: 'http://127.0.0.1:11434' },
];

/** Field, environment variable, and whether its value is JSON. */
const sources = [
  ['host', 'FREEHOLD_BRIDGE_HOST', false],
  ['port', 'FREEHOLD_BRIDGE_PORT', false],
  ['data_dir', 'FREEHOLD_BRIDGE_DATA', false],
  ['transport', 'FREEHOLD_BRIDGE_TRANSPORT', false],
  ['enrolment', 'FREEHOLD_BRIDGE_ENROLMENT', false],
  ['platform_url', 'FREEHOLD_PLATFORM_URL', false],
  ['bridge_id', 'FREEHOLD_BRIDGE_ID', false],
  ['platform_keys', 'FREEHOLD_PLATFORM_KEYS', true],
  ['private_key', 'FREEHOLD_BRIDGE_KEY', true],
  ['nodes', 'FREEHOLD_NODES', true],
  ['otlp_endpoint', 'OTLP_ENDPOINT', false],
  ['otlp_headers', 'OTLP_HEADERS', false],
  ['cache_bytes', 'FREEHOLD_BRIDGE_CACHE_BYTES', false],
  ['cache_ttl_seconds', 'FREEHOLD_BRIDGE_CACHE_TTL', false],
  ['sync_journal', 'FREEHOLD_BRIDGE_SYNC', false],
] as const;

const NotEnrolledHint = 'or enrol this machine: npm run bridge -- enrol <token>, with a token that your operator makes';

export type Environment = Readonly<Record<string, string | undefined>>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The data directory alone, for what is done before there is a configuration. */
export function findDataDir(environment: Environment, args: readonly string[]): string {
  return parseFlags(args)['data-dir'] ?? environment['FREEHOLD_BRIDGE_DATA'] ?? DefaultDataDir;
}

export function parseConfig(
  environment: Environment,
  args: readonly string[] = [],
  readText: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): BridgeConfig {
  const flags = parseFlags(args);
  const path = flags['config'] ?? environment['FREEHOLD_BRIDGE_CONFIG'];
  const origins = new Map<string, string>();
  const raw: JsonObject = path === undefined ? {} : readConfigFile(path, readText);
  for (const field of Object.keys(raw)) origins.set(field, path!);
  for (const [field, variable, isJson] of sources) {
    const flag = flags[field.replaceAll('_', '-')];
    const text = flag ?? environment[variable];
    if (text === undefined || text === '') continue;
    const origin = flag === undefined ? variable : `--${field.replaceAll('_', '-')}`;
    origins.set(field, origin);
    raw[field] = isJson ? parseMember(text, field, origin) : text;
  }
  const enrolled = readEnrolledPlatform(String(raw['data_dir'] ?? DefaultDataDir));
  const parsed = bridgeConfig.safeParse({ ...enrolled, ...raw });
  if (!parsed.success) throw new ConfigError(describeIssues(parsed.error, origins));
  refuseDuplicateNames(parsed.data.nodes ?? []);
  return parsed.data;
}

function parseFlags(args: readonly string[]): Record<string, string | undefined> {
  const names = ['config', ...sources.map(([field]) => field.replaceAll('_', '-'))];
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    return parseArgs({ args: [...args], options, strict: true }).values as Record<string, string | undefined>;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

function readConfigFile(path: string, readText: (path: string) => string): JsonObject {
  let text: string;
  try {
    text = readText(path);
  } catch {
    throw new ConfigError(`the configuration file ${path} cannot be read`);
  }
  const parsed = parseJson(text)?.value;
  if (!isJsonObject(parsed)) throw new ConfigError(`the configuration file ${path} does not hold a JSON object`);
  return { ...parsed };
}

function parseMember(text: string, field: string, origin: string): unknown {
  const parsed = parseJson(text);
  if (!parsed) throw new ConfigError(`${field} (from ${origin}): is not valid JSON`);
  return parsed.value;
}

function describeIssues(error: z.ZodError, origins: ReadonlyMap<string, string>): string {
  const hints = new Set<string>();
  const lines = error.issues.map((issue) => {
    const [field] = issue.path;
    const variable = sources.find(([name]) => name === field)?.[1];
    const origin = origins.get(String(field)) ?? (variable ? `set ${variable}` : undefined);
    const what = issue.code === 'unrecognized_keys' ? `unknown field ${issue.keys.join(', ')}` : issue.message;
    if (field === 'platform_url' && !origins.has('platform_url')) hints.add(NotEnrolledHint);
    return `${issue.path.join('.') || 'configuration'}${origin ? ` (${origins.has(String(field)) ? 'from ' : ''}${origin})` : ''}: ${what}`;
  });
  return `the configuration is not valid\n  ${[...lines, ...hints].join('\n  ')}`;
}

function refuseDuplicateNames(nodes: readonly NodeConfig[]): void {
  const seen = new Set<string>();
  for (const [index, node] of nodes.entries()) {
    if (seen.has(node.name)) throw new ConfigError(`nodes.${index}.name: another node is called "${node.name}" too`);
    seen.add(node.name);
  }
}
