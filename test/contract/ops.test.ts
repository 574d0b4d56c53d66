/** The files under `ops/` are what Prometheus and Grafana take, and ask for nothing that no metric says. (M-1) */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BridgeMetrics } from '../../gpu-bridge/metrics.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { poolMetrics } from '../../shared/telemetry/pool-metrics.ts';
import { tallyMetrics } from '../../shared/telemetry/tally-metrics.ts';
import { tenantMetrics } from '../../shared/telemetry/tenant-metrics.ts';
import { panelQueries, readDashboards } from '../support/dashboards.ts';
import { promtool } from '../support/promtool.ts';

const prometheusDir = join(repositoryRoot, 'ops/prometheus');
const rulesPath = join(prometheusDir, 'freehold.rules.yml');

type Rules = { groups: { rules: { alert: string; expr: string }[] }[] };
type RuleTests = { tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[] };

const rules = (parse(readFileSync(rulesPath, 'utf8')) as Rules).groups.flatMap((group) => group.rules);
const dashboards = readDashboards();

async function metricNames(): Promise<ReadonlySet<string>> {
  const bridge = new BridgeMetrics();
  bridge.watch({ pool: { nodes: [], countQueued: () => 0 }, runningJobs: () => 0, waitingReceipts: () => 0 });
  const { text } = await bridge.format();
  const own = [...tallyMetrics([]), ...tenantMetrics(0, []), ...poolMetrics([], [])].map(({ name, type }) => ({
    name,
    type,
  }));
  const bridges = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => ({ name: match[1]!, type: match[2]! }));
  return new Set(
    [...own, ...bridges].flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}

describe('the alert rules', () => {
  test('are accepted, and pass their tests', () => {
    expect(promtool(['check', 'rules', rulesPath])).toMatchObject({ ok: true });
    expect(promtool(['test', 'rules', join(prometheusDir, 'freehold.rules.test.yml')])).toMatchObject({ ok: true });
    expect(promtool(['check', 'config', '--syntax-only', join(prometheusDir, 'prometheus.yml')])).toMatchObject({
      ok: true,
    });
  });

  test('have each a test in which it fires, and one in which it does not', () => {
    const { tests } = parse(readFileSync(join(prometheusDir, 'freehold.rules.test.yml'), 'utf8')) as RuleTests;
    const tried = tests.flatMap(({ alert_rule_test: tries }) =>
      tries.map(({ alertname, exp_alerts: alerts }) => `${alertname} ${alerts.length > 0}`),
    );
    const wanted = rules.flatMap(({ alert }) => [`${alert} false`, `${alert} true`]);
    expect(tried.toSorted()).toEqual(wanted.toSorted());
  });
});

test('dashboards hold queries that Prometheus understands', () => {
  const groups = [{ name: 'panels', rules: panelQueries().map((expr, at) => ({ record: `panel:${at}`, expr })) }];
  const path = join(mkdtempSync(join(tmpdir(), 'freehold-ops-')), 'panels.yml');
  writeFileSync(path, JSON.stringify({ groups }));
  expect(promtool(['check', 'rules', path])).toMatchObject({ ok: true });
  expect(dashboards.map(({ uid }) => uid).toSorted()).toEqual([
    'freehold-bridge',
    'freehold-platform',
    'freehold-tenant',
  ]);
});

test('rules, dashboards and their variables ask only for metrics that Freehold tells', async () => {
  const names = await metricNames();
  const variables = dashboards.flatMap(({ templating }) => templating.list.map(({ query }) => query));
  const asked = [...rules.map(({ expr }) => expr), ...panelQueries(), ...variables].flatMap(
    (text) => text.match(/freehold_\w+/g) ?? [],
  );
  expect(asked.length).toBeGreaterThan(40);
  expect([...new Set(asked)].filter((name) => !names.has(name))).toEqual([]);
});
