/** What the console has, and where: the groups of its menu. */
import { audience } from '../audience.ts';
import type { IconName } from '../parts/icon.tsx';

export type Place = { readonly to: string; readonly label: string; readonly icon: IconName };
type Group = { readonly label: string | null; readonly places: readonly Place[] };

const tenantGroups: readonly Group[] = [
  { label: null, places: [{ to: '/', label: 'Overview', icon: 'home' }] },
  {
    label: 'Build',
    places: [
      { to: '/agents', label: 'Agents', icon: 'agent' },
      { to: '/playground', label: 'Playground', icon: 'play' },
      { to: '/memories', label: 'Memories', icon: 'memory' },
      { to: '/tasks', label: 'Tasks', icon: 'tasks' },
    ],
  },
  {
    label: 'Watch',
    places: [
      { to: '/conversations', label: 'Conversations', icon: 'chat' },
      { to: '/approvals', label: 'Approvals', icon: 'approve' },
      { to: '/alerts', label: 'Alerts', icon: 'pulse' },
      { to: '/events', label: 'Events', icon: 'activity' },
      { to: '/audit', label: 'Audit trail', icon: 'audit' },
    ],
  },
  {
    label: 'Money',
    places: [
      { to: '/usage', label: 'Usage', icon: 'coins' },
      { to: '/budgets', label: 'Budgets', icon: 'tag' },
      { to: '/invoices', label: 'Invoices', icon: 'invoice' },
    ],
  },
  {
    label: 'Settings',
    places: [
      { to: '/keys', label: 'API keys', icon: 'key' },
      { to: '/people', label: 'People', icon: 'people' },
      { to: '/webhooks', label: 'Webhooks', icon: 'webhook' },
      { to: '/hooks', label: 'Inbound hooks', icon: 'hook' },
      { to: '/secrets', label: 'Secrets', icon: 'lock' },
      { to: '/branding', label: 'Branding', icon: 'brush' },
      { to: '/domains', label: 'Domains', icon: 'globe' },
      { to: '/settings', label: 'Tenant', icon: 'building' },
    ],
  },
];

const operatorGroups: readonly Group[] = [
  { label: null, places: [{ to: '/', label: 'Health', icon: 'pulse' }] },
  {
    label: 'Customers',
    places: [
      { to: '/tenants', label: 'Tenants', icon: 'building' },
      { to: '/plans', label: 'Plans', icon: 'tag' },
      { to: '/prices', label: 'Prices', icon: 'coins' },
    ],
  },
  {
    label: 'Machines',
    places: [
      { to: '/bridges', label: 'Bridges', icon: 'server' },
      { to: '/nodes', label: 'Nodes and models', icon: 'chip' },
      { to: '/models', label: 'Model registry', icon: 'layers' },
    ],
  },
  {
    label: 'Books',
    places: [
      { to: '/usage', label: 'Usage', icon: 'activity' },
      { to: '/invoices', label: 'Invoices', icon: 'invoice' },
      { to: '/audit', label: 'Audit trail', icon: 'audit' },
    ],
  },
];

export const groups = audience === 'operator' ? operatorGroups : tenantGroups;
