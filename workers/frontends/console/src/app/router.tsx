/** The pages' addresses below /console. Each page is a file of the build of its own, fetched when it is first opened. */

import {
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
  lazyRouteComponent,
  type RouteComponent,
} from '@tanstack/react-router';
import { audience } from '../audience.ts';
import { Page } from '../parts/page.tsx';
import { Empty, FailureAlert, Loading } from '../parts/states.tsx';
import { Shell } from './shell.tsx';
import { LinkButton } from '../parts/link-button.tsx';

export type Search = { readonly agent?: string; readonly tab?: string };
type Pages = Partial<Record<'tenant' | 'operator', RouteComponent>>;

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: ({ error }) => (
    <Page title="Something went wrong">
      <FailureAlert error={error instanceof Error ? error : new Error(String(error))} retry={() => location.reload()} />
    </Page>
  ),
  validateSearch: (search: Record<string, unknown>): Search => {
    const [agent, tab] = [text(search['agent']), text(search['tab'])];
    return { ...(agent !== undefined && { agent }), ...(tab !== undefined && { tab }) };
  },
});

function page<P extends string>(path: P, pages: Pages) {
  return createRoute({ getParentRoute: () => root, path, component: pages[audience] ?? NotFound });
}

const routeTree = root.addChildren([
  page('/', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/overview-page.tsx'), 'OverviewPage'),
    operator: lazyRouteComponent(() => import('../pages/operator/health-page.tsx'), 'HealthPage'),
  }),
  page('/agents', { tenant: lazyRouteComponent(() => import('../pages/tenant/agents-page.tsx'), 'AgentsPage') }),
  page('/agents/$agent', { tenant: lazyRouteComponent(() => import('../pages/tenant/agent-page.tsx'), 'AgentPage') }),
  page('/playground', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/playground-page.tsx'), 'PlaygroundPage'),
  }),
  page('/memories', { tenant: lazyRouteComponent(() => import('../pages/tenant/memories-page.tsx'), 'MemoriesPage') }),
  page('/tasks', { tenant: lazyRouteComponent(() => import('../pages/tenant/tasks-page.tsx'), 'TasksPage') }),
  page('/conversations', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/conversations-page.tsx'), 'ConversationsPage'),
  }),
  page('/conversations/$conversation', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/conversation-page.tsx'), 'ConversationPage'),
  }),
  page('/approvals', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/approvals-page.tsx'), 'ApprovalsPage'),
  }),
  page('/alerts', { tenant: lazyRouteComponent(() => import('../pages/tenant/alerts-page.tsx'), 'AlertsPage') }),
  page('/events', { tenant: lazyRouteComponent(() => import('../pages/tenant/events-page.tsx'), 'EventsPage') }),
  page('/audit', {
    tenant: lazyRouteComponent(() => import('../pages/audit-page.tsx'), 'TenantAuditPage'),
    operator: lazyRouteComponent(() => import('../pages/audit-page.tsx'), 'OperatorAuditPage'),
  }),
  page('/usage', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/usage-page.tsx'), 'UsagePage'),
    operator: lazyRouteComponent(() => import('../pages/operator/usage-page.tsx'), 'OperatorUsagePage'),
  }),
  page('/budgets', { tenant: lazyRouteComponent(() => import('../pages/tenant/budgets-page.tsx'), 'BudgetsPage') }),
  page('/invoices', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/invoices-page.tsx'), 'InvoicesPage'),
    operator: lazyRouteComponent(() => import('../pages/operator/invoices-page.tsx'), 'OperatorInvoicesPage'),
  }),
  page('/invoices/$invoice', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/invoice-page.tsx'), 'InvoicePage'),
  }),
  page('/keys', { tenant: lazyRouteComponent(() => import('../pages/tenant/keys-page.tsx'), 'KeysPage') }),
  page('/people', { tenant: lazyRouteComponent(() => import('../pages/tenant/people-page.tsx'), 'PeoplePage') }),
  page('/webhooks', { tenant: lazyRouteComponent(() => import('../pages/tenant/webhooks-page.tsx'), 'WebhooksPage') }),
  page('/webhooks/$webhook', {
    tenant: lazyRouteComponent(() => import('../pages/tenant/webhook-page.tsx'), 'WebhookPage'),
  }),
  page('/hooks', { tenant: lazyRouteComponent(() => import('../pages/tenant/hooks-page.tsx'), 'HooksPage') }),
  page('/hooks/$hook', { tenant: lazyRouteComponent(() => import('../pages/tenant/hook-page.tsx'), 'HookPage') }),
  page('/settings', { tenant: lazyRouteComponent(() => import('../pages/tenant/settings-page.tsx'), 'SettingsPage') }),
  page('/secrets', { tenant: lazyRouteComponent(() => import('../pages/tenant/secrets-page.tsx'), 'SecretsPage') }),
  page('/branding', { tenant: lazyRouteComponent(() => import('../pages/tenant/branding-page.tsx'), 'BrandingPage') }),
  page('/domains', { tenant: lazyRouteComponent(() => import('../pages/tenant/domains-page.tsx'), 'DomainsPage') }),
  page('/tenants', { operator: lazyRouteComponent(() => import('../pages/operator/tenants-page.tsx'), 'TenantsPage') }),
  page('/tenants/$tenant', {
    operator: lazyRouteComponent(() => import('../pages/operator/tenant-page.tsx'), 'TenantPage'),
  }),
  page('/plans', { operator: lazyRouteComponent(() => import('../pages/operator/plans-page.tsx'), 'PlansPage') }),
  page('/prices', { operator: lazyRouteComponent(() => import('../pages/operator/prices-page.tsx'), 'PricesPage') }),
  page('/bridges', { operator: lazyRouteComponent(() => import('../pages/operator/bridges-page.tsx'), 'BridgesPage') }),
  page('/models', { operator: lazyRouteComponent(() => import('../pages/operator/models-page.tsx'), 'ModelsPage') }),
  page('/nodes', { operator: lazyRouteComponent(() => import('../pages/operator/nodes-page.tsx'), 'NodesPage') }),
]);

const router = createRouter({
  routeTree,
  basepath: '/console',
  defaultPreload: 'intent',
  defaultPendingComponent: Loading,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

export default function Pages() {
  return <RouterProvider router={router} />;
}

function NotFound() {
  return (
    <Page title="Nothing here">
      <Empty icon="home" title="There is no such page" action={<LinkButton to="/">Go to the start</LinkButton>}>
        The address may be old, or mistyped.
      </Empty>
    </Page>
  );
}
