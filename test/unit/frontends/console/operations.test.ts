/** What the console asks for, the platform has; and what it offers for a key, a key can have. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { permissions } from '../../../../shared/contracts/keys.ts';
import { permissionOptions } from '../../../../workers/frontends/console/src/parts/permissions.ts';
import { loadRouteTable } from '../../../support/api-operations.ts';

const sources = join(import.meta.dirname, '../../../../workers/frontends/console/src');
const read = (path: string) => readFileSync(join(sources, path), 'utf8');
const operationsIn = (text: string) =>
  [...text.matchAll(/['"]((?:GET|POST|PATCH|DELETE) \/[^'"]+)['"]/g)].map(([, name]) => name!);
const declared = operationsIn(read('api/operations.ts'));

test('every operation of the console is one of the route table', async () => {
  const served = new Set((await loadRouteTable()).map(({ method, path }) => `${method} ${path}`));
  expect(declared.length).toBeGreaterThan(50);
  expect(declared.filter((operation) => !served.has(operation))).toEqual([]);
});

test('no operation is declared that no page uses', () => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.tsx?$/.test(path) && path !== join('api', 'operations.ts'),
  );
  const used = new Set(files.flatMap((path) => operationsIn(read(path))));
  expect(declared.filter((operation) => !used.has(operation))).toEqual([]);
});

test('every permission can be given to a key', () => {
  expect(permissionOptions.map(({ value }) => value).toSorted()).toEqual(permissions.toSorted());
});
