/** Bridges and nodes as metrics of Prometheus, as the platform knows them. Pure. */
import type { Bridge } from '../contracts/bridges.ts';
import type { InferenceNodeView } from '../contracts/nodes.ts';
import type { MetricFamily, Sample } from './exposition.ts';

export function poolMetrics(bridges: readonly Bridge[], nodes: readonly InferenceNodeView[]): MetricFamily[] {
  const kept = bridges.filter(({ status }) => status !== 'revoked');
  const labelsOf = ({ bridge, name }: InferenceNodeView) => ({ bridge, node: name });
  const told = (read: (node: InferenceNodeView) => number | null): Sample[] =>
    nodes.flatMap((node) => {
      const value = read(node);
      return value === null ? [] : [{ labels: labelsOf(node), value }];
    });
  return [
    {
      name: 'freehold_bridge_online',
      help: 'Whether the announcements of a bridge come.',
      type: 'gauge',
      samples: kept.map(({ id, name, status }) => ({
        labels: { bridge: id, name },
        value: status === 'online' ? 1 : 0,
      })),
    },
    {
      name: 'freehold_node_state',
      help: 'One for the state that a node is in.',
      type: 'gauge',
      samples: nodes.map((node) => ({ labels: { ...labelsOf(node), kind: node.kind, state: node.state }, value: 1 })),
    },
    {
      name: 'freehold_node_ready',
      help: 'Whether a node takes jobs.',
      type: 'gauge',
      samples: nodes.map((node) => ({ labels: labelsOf(node), value: node.state === 'ready' ? 1 : 0 })),
    },
    {
      name: 'freehold_node_outstanding_jobs',
      help: 'Jobs of its bridge that a node has now.',
      type: 'gauge',
      samples: told(({ outstanding }) => outstanding),
    },
    {
      name: 'freehold_node_waiting_jobs',
      help: 'Jobs that wait inside a node, by its own count.',
      type: 'gauge',
      samples: told(({ waiting }) => waiting),
    },
  ];
}
