/**
 * The little language in which an agent's author says when a tool call needs approval: comparisons of the call's
 * arguments, joined by `and` and `or` (`and` binds tighter). `amount > 100 or currency != "EUR"`. Pure, bounded, and on the
 * safe side: a comparison that cannot be decided (no such argument, another type) holds.
 */
const Operators = ['<=', '>=', '!=', '=', '<', '>', 'contains'] as const;
type Operator = (typeof Operators)[number];
type Literal = string | number | boolean | null;
type Comparison = { readonly path: readonly string[]; readonly operator: Operator; readonly value: Literal };
/** Any of the groups, every comparison of it. */
export type Condition = readonly (readonly Comparison[])[];

export const MaxConditionChars = 500;

const comparison =
  /^\s*([A-Za-z_][\w-]{0,63}(?:\.[A-Za-z_0-9][\w-]{0,63}){0,7})\s*(<=|>=|!=|==?|<|>|contains\b)\s*("[^"]*"|'[^']*'|-?\d{1,15}(?:\.\d{1,9})?|true|false|null)/;
const joint = /^\s+(and|or)\s/;

/** Undefined where the text is no condition. */
export function parseCondition(text: string): Condition | undefined {
  if (text.length > MaxConditionChars) return undefined;
  const groups: Comparison[][] = [[]];
  for (let rest = text; ;) {
    const found = comparison.exec(rest);
    if (!found) return undefined;
    const [whole, path = '', operator = '', value = ''] = found;
    groups.at(-1)!.push({ path: path.split('.'), operator: toOperator(operator), value: toLiteral(value) });
    rest = rest.slice(whole.length);
    if (rest.trim() === '') return groups;
    const joined = joint.exec(rest);
    if (!joined) return undefined;
    if (joined[1] === 'or') groups.push([]);
    rest = rest.slice(joined[0].length);
  }
}

export function holds(condition: Condition, args: unknown): boolean {
  return condition.some((group) => group.every((each) => compares(each, args)));
}

function compares({ path, operator, value }: Comparison, args: unknown): boolean {
  let found: unknown = args;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return true;
    found = (found as Record<string, unknown>)[name];
  }
  switch (operator) {
    case '=':
      return found === value || (typeof found === 'object' && found !== null);
    case '!=':
      return found !== value;
    case 'contains':
      if (Array.isArray(found)) return found.includes(value);
      return typeof found !== 'string' || found.includes(String(value));
    case '<':
    case '<=':
    case '>':
    case '>=':
      if (typeof found !== 'number' || typeof value !== 'number') return true;
      return operator === '<'
        ? found < value
        : operator === '<='
          ? found <= value
          : operator === '>'
            ? found > value
            : found >= value;
  }
}

function toOperator(text: string): Operator {
  return text === '==' ? '=' : (text as Operator);
}

function toLiteral(text: string): Literal {
  return text.startsWith('"') || text.startsWith("'") ? text.slice(1, -1) : (JSON.parse(text) as Literal);
}
