/** The dashboards under `ops/grafana`, and what their panels ask. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/platform.ts';

type Dashboard = {
  readonly uid: string;
  readonly templating: { readonly list: { readonly query: string }[] };
  readonly panels: { readonly targets: { readonly expr: string }[] }[];
};

const grafanaDir = join(repositoryRoot, 'ops/grafana');

export function readDashboards(): Dashboard[] {
  return readdirSync(grafanaDir).map((name) => JSON.parse(readFileSync(join(grafanaDir, name), 'utf8')) as Dashboard);
}

/** As Grafana sends them, for everything that a variable may be. */
export function panelQueries(): string[] {
  const asked = readDashboards().flatMap(({ panels }) => panels.flatMap(({ targets }) => targets));
  return asked.map(({ expr }) => expr.replaceAll('[$__rate_interval]', '[5m]').replaceAll(/\$\w+/g, '.*'));
}
