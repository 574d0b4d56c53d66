/**
 * When the extractive engine calls a tool: only when the user's message holds the tool's exact name, or the request
 * forces one. Arguments are strings that the message quotes, or nothing. Pure.
 */
import { findObject, findString, isJsonObject, type JsonObject } from '../json-object.ts';

export type ToolChoice = { readonly name: string; readonly arguments: Readonly<Record<string, string>> };

export function chooseTool(body: JsonObject, question: string): ToolChoice | undefined {
  const choice = body['tool_choice'];
  const tools = Array.isArray(body['tools']) ? body['tools'].filter(isJsonObject) : [];
  if (choice === 'none' || tools.length === 0) return undefined;
  const forced = findString(findObject(choice, 'function'), 'name');
  for (const tool of tools) {
    const target = findObject(tool, 'function');
    const name = findString(target, 'name');
    if (!name || (forced === undefined ? !names(question, name) : forced !== name)) continue;
    return { name, arguments: fillArguments(findObject(target, 'parameters'), question) };
  }
  return undefined;
}

/** The name as a word of its own. */
function names(text: string, name: string): boolean {
  const escaped = name.replaceAll(/[\\^$.*+?()[\]{}|-]/g, String.raw`\$&`);
  return new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`).test(text);
}

const quoted = /"([^"\n]+)"|“([^”\n]+)”|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)/g;

function fillArguments(schema: JsonObject | undefined, question: string): Record<string, string> {
  const filled: Record<string, string> = {};
  const properties = Object.entries(findObject(schema, 'properties') ?? {}).filter(
    (entry): entry is [string, JsonObject] => isJsonObject(entry[1]) && entry[1]['type'] === 'string',
  );
  const required = Array.isArray(schema?.['required']) ? schema['required'] : [];
  const spare = [...question.matchAll(quoted)].map((match) => match.slice(1).find((text) => text !== undefined)!);
  for (const [name, property] of properties) {
    const allowed = Array.isArray(property['enum'])
      ? property['enum'].filter((each) => typeof each === 'string')
      : undefined;
    const value = allowed ? allowed.find((each) => names(question, each)) : findNamed(question, name);
    if (value === undefined) continue;
    filled[name] = value;
    const place = spare.indexOf(value);
    if (place >= 0) spare.splice(place, 1);
  }
  for (const [name, property] of properties) {
    const value = name in filled || property['enum'] || !required.includes(name) ? undefined : spare.shift();
    if (value !== undefined) filled[name] = value;
  }
  return filled;
}

/** The value in `name: value` or `name = "value"`. */
function findNamed(text: string, name: string): string | undefined {
  if (!/^[\w-]+$/.test(name)) return undefined;
  const match = new RegExp(
    `(?<![\\w-])${name}\\s*[:=]\\s*(?:"([^"\\n]+)"|“([^”\\n]+)”|\`([^\`\\n]+)\`|([^\\s,;"]+))`,
    'i',
  ).exec(text);
  return match?.slice(1).find((value) => value !== undefined);
}
