/** All SQL about the nodes behind bridges: what each was last said to be, how it came to that, and which are drained. */
import type { NodeChange, NodeReport } from '../../shared/contracts/nodes.ts';

const KeptChanges = 1_000;

export type NodeChangeRow = Pick<NodeChange, 'node' | 'at' | 'state' | 'before' | 'reason'>;

export class NodeStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  note(bridge: string, nodes: readonly NodeReport[], changes: readonly NodeChange[]): void {
    this.#sql.exec('UPDATE bridges SET nodes = ? WHERE id = ?', JSON.stringify(nodes), bridge);
    if (changes.length === 0) return;
    for (const { id, node, at, state, before, reason } of changes) {
      this.#sql.exec(
        `INSERT INTO node_changes (bridge, id, node, at, state, before, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
        bridge,
        id,
        node,
        at,
        state,
        before,
        reason,
      );
    }
    this.#sql.exec(
      `DELETE FROM node_changes WHERE bridge = ? AND id IN
         (SELECT id FROM node_changes WHERE bridge = ? ORDER BY at DESC, id DESC LIMIT -1 OFFSET ${KeptChanges})`,
      bridge,
      bridge,
    );
  }

  listReports(bridge: string): NodeReport[] {
    const [row] = this.#sql.exec<{ nodes: string }>('SELECT nodes FROM bridges WHERE id = ?', bridge).toArray();
    return row ? (JSON.parse(row.nodes) as NodeReport[]) : [];
  }

  /** The newest first. */
  listChanges(bridge: string, node: string, limit: number): NodeChangeRow[] {
    return this.#sql
      .exec<NodeChangeRow>(
        `SELECT node, at, state, before, reason FROM node_changes WHERE bridge = ? AND node = ?
         ORDER BY at DESC, id DESC LIMIT ?`,
        bridge,
        node,
        limit,
      )
      .toArray();
  }

  setDrained(bridge: string, node: string, isDrained: boolean): void {
    if (isDrained) {
      this.#sql.exec('INSERT INTO drained_nodes (bridge, node) VALUES (?, ?) ON CONFLICT DO NOTHING', bridge, node);
    } else this.#sql.exec('DELETE FROM drained_nodes WHERE bridge = ? AND node = ?', bridge, node);
  }

  listDrained(bridge: string): string[] {
    return this.#sql
      .exec<{ node: string }>('SELECT node FROM drained_nodes WHERE bridge = ? ORDER BY node', bridge)
      .toArray()
      .map((row) => row.node);
  }
}
