/** The OpenAPI document says what the route table says, and is one that tools can read. */
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRouteTable, readApi, type Api } from '../support/api-operations.ts';
import { startTestPlatform, type TestPlatform } from '../support/running-platform.ts';

let platform: TestPlatform;
let api: Api;

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
});
afterAll(() => platform.stop());

describe('the OpenAPI document', () => {
  test('passes the recommended rules of Redocly without an error', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({
      source: JSON.stringify(api.document),
      absoluteRef: 'openapi.json',
      config,
    });
    const errors = problems.filter((problem) => problem.severity === 'error');
    expect(errors.map((problem) => `${problem.ruleId}: ${problem.message} ${problem.location[0]?.pointer}`)).toEqual(
      [],
    );
  });

  test('holds every route of the table, with its method, path, host and permission, and nothing else', async () => {
    const routes = await loadRouteTable();
    const listed = api.operations.map(({ id, method, path, host, permission, access }) => ({
      id,
      method,
      path,
      host,
      permission,
      access,
    }));
    const expected = routes.map((route) => ({
      id: route.operation,
      method: route.method,
      path: route.path,
      host: route.host,
      permission: route.access === 'tenant' ? route.permission : null,
      access: route.access,
    }));
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(listed.sort(byId)).toEqual(expected.sort(byId));
    expect(listed.length).toBeGreaterThanOrEqual(56);
  });

  test('names every operation once', () => {
    const ids = api.operations.map(({ id }) => id);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });

  test('declares every parameter of a path, and only those', () => {
    for (const { path, pathParams } of api.operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(pathParams).toEqual(inPath);
    }
  });

  test('has for every operation a good answer and the refusals of its pipeline', () => {
    for (const { id, responses, access, body } of api.operations) {
      const statuses = Object.keys(responses);
      expect(
        statuses.filter((status) => /^2|^101$/.test(status)),
        id,
      ).toHaveLength(1);
      expect(statuses, id).toEqual(expect.arrayContaining(['400', '404', '405', '431', '500', '503']));
      if (access !== 'public') expect(statuses, id).toEqual(expect.arrayContaining(['401', '403']));
      if (body) expect(statuses, id).toEqual(expect.arrayContaining(['413']));
    }
  });

  test('is the same at the apex and at every tenant, and is rendered as a page with every operation', async () => {
    const tenant = await platform.createTenant('acme');
    const there = await platform.call('GET', `${tenant.slug}.localhost`, '/openapi.json');
    expect(there.json()).toEqual(api.document);
    const page = await platform.call('GET', 'localhost', '/docs');
    for (const { id } of api.operations) expect(page.text).toContain(`id="${id}"`);
  });
});
