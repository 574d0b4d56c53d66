/** What a definition may hold: each member with its type, its bounds and what it is where it is left out. */
import { Text } from '@mantine/core';
import { z } from 'zod';
import { Panel } from '../../parts/page.tsx';

type Schema = {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
};
type Member = { readonly path: string; readonly kind: string; readonly about: string };

export function SchemaHelp({ schema }: { readonly schema: z.ZodType }) {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return (
    <Panel title="What it may hold">
      <dl className="fh-facts" tabIndex={0} aria-label="Members of a definition">
        {listMembers(json, '').map(({ path, kind, about }) => (
          <div key={path}>
            <dt>
              <code>{path}</code>
            </dt>
            <dd>
              <Text size="sm" component="span">
                {kind}
              </Text>
              {about !== '' && (
                <Text size="xs" c="dimmed">
                  {about}
                </Text>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function listMembers(schema: Schema, prefix: string): readonly Member[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    if (member.properties) return listMembers(member, `${path}.`);
    return [{ path, kind: kindOf(member), about: boundsOf(member) }];
  });
}

function kindOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(kindOf))].join(' or ');
  if (schema.type === 'array') return schema.items ? `list of ${kindOf(schema.items)}` : 'list';
  return schema.type === 'object' ? 'object' : (schema.type ?? 'anything');
}

function boundsOf(schema: Schema): string {
  const { minimum, maximum, maxLength, maxItems, description } = schema;
  const isSimple = typeof schema.default !== 'object';
  return [
    description,
    minimum !== undefined && maximum !== undefined && `${minimum} to ${maximum}`,
    maxLength !== undefined && `at most ${maxLength} characters`,
    maxItems !== undefined && `at most ${maxItems}`,
    schema.default !== undefined && schema.default !== '' && isSimple && `else ${JSON.stringify(schema.default)}`,
  ]
    .filter(Boolean)
    .join(' · ');
}
