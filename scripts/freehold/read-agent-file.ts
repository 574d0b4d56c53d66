/**
 * From a file's text to the agent that it asks for: YAML or JSON, with `${variables}` filled in before it is validated. They
 * are filled into texts alone, after parsing, so no value can change the file's structure. Pure.
 */
import { parse } from 'yaml';
import { err, ok, type Result } from '../../shared/core/result.ts';
import {
  agentFile,
  fileVariable,
  variableName,
  type AgentFile,
  type FileVariable,
} from '../../shared/contracts/agent-file.ts';
import { expandDefinition } from '../../shared/tools/openapi.ts';
import { z } from 'zod';

export type Values = Readonly<Record<string, string>>;

const Placeholder = /\$\{([^}]*)\}/g;
const declared = z.looseObject({ variables: z.record(variableName, fileVariable).default({}) });

export function readAgentFile(text: string, values: Values): Result<AgentFile> {
  let parsed: unknown;
  try {
    parsed = parse(text, { maxAliasCount: 20 });
  } catch (error) {
    return refuse(`it is neither YAML nor JSON: ${error instanceof Error ? error.message.split('\n')[0] : ''}`);
  }
  const head = declared.safeParse(parsed);
  if (!head.success) return refuse(firstIssue(head.error));
  const filled = fillVariables(head.data, head.data.variables, values);
  if (!filled.ok) return filled;
  const file = agentFile.safeParse(filled.value);
  if (!file.success) return refuse(firstIssue(file.error));
  // As the platform keeps it, so that what is there can be compared with what is asked for.
  const definition = expandDefinition(file.data.definition);
  return definition.ok ? ok({ ...file.data, definition: definition.value }) : definition;
}

function fillVariables(
  file: Readonly<Record<string, unknown>>,
  variables: Readonly<Record<string, FileVariable>>,
  values: Values,
): Result<unknown> {
  const used = new Set<string>();
  const faults: string[] = [];
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replaceAll(Placeholder, (_, name: string) => valueOf(name));
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member)]));
  };
  const valueOf = (name: string): string => {
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (!variable) {
      faults.push(`\${${name}} is not among its variables`);
      return '';
    }
    used.add(name);
    const given = (Object.hasOwn(values, name) ? values[name] : undefined) ?? variable.default;
    if (given !== undefined) return given;
    const example = variable.example === undefined ? '' : `, such as ${variable.example}`;
    faults.push(`it needs --set ${name}=… (${variable.description}${example})`);
    return '';
  };
  const { definition, ...rest } = file;
  const filled = { ...rest, ...(definition === undefined ? {} : { definition: fill(definition) }) };
  const idle = Object.keys(variables).find((name) => !used.has(name));
  if (idle !== undefined) faults.push(`its variable "${idle}" is not used`);
  return faults.length === 0 ? ok(filled) : refuse([...new Set(faults)].join('; '));
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const place = issue?.path.join('.') ?? '';
  return `${place === '' ? 'the file' : place}: ${issue?.message ?? 'invalid'}`;
}

function refuse(message: string): Result<never> {
  return err('invalid_request', message);
}
