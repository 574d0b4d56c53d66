/** The nodes of a bridge as their operator sees them. A bridge that is not heard says nothing of its nodes. */
import { toIso } from '../../shared/core/clock.ts';
import type { InferenceNodeView, NodeReport } from '../../shared/contracts/nodes.ts';
import type { NodeChangeRow } from './node-store.ts';

export const ListedChanges = 20;

export function describeNode(
  report: NodeReport,
  known: {
    readonly bridge: string;
    readonly isOnline: boolean;
    readonly draining: boolean;
    readonly changes: readonly NodeChangeRow[];
  },
): InferenceNodeView {
  return {
    object: 'inference_node',
    ...report,
    bridge: known.bridge,
    state: known.isOnline ? report.state : 'unknown',
    reason: known.isOnline ? report.reason : 'its bridge is not heard',
    since: toIso(report.since),
    draining: known.draining,
    events: known.changes.map(({ state, at, before, reason }) => ({
      type: `node.${state}`,
      at: toIso(at),
      before,
      reason,
    })),
  };
}
