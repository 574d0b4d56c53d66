/** All SQL of the tools of MCP servers: what was approved of each, and what its server offers now. */
export type ToolPin = {
  readonly id: string;
  readonly server: string;
  readonly name: string;
  readonly pinnedHash: string | null;
  readonly pinnedDefinition: string | null;
  readonly offeredHash: string;
  readonly offeredDefinition: string;
  readonly status: 'approved' | 'held';
  readonly createdAt: number;
  readonly updatedAt: number;
};

type Row = {
  id: string;
  server: string;
  name: string;
  pinned_hash: string | null;
  pinned_definition: string | null;
  offered_hash: string;
  offered_definition: string;
  status: ToolPin['status'];
  created_at: number;
  updated_at: number;
};

export class ToolPinStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(id: string): ToolPin | undefined {
    return this.#sql.exec<Row>('SELECT * FROM tool_pins WHERE id = ?', id).toArray().map(toPin)[0];
  }

  ofServer(server: string): ToolPin[] {
    return this.#sql.exec<Row>('SELECT * FROM tool_pins WHERE server = ?', server).toArray().map(toPin);
  }

  list(status: ToolPin['status'] | null, limit: number, cursor: string | undefined): ToolPin[] {
    return this.#sql
      .exec<Row>(
        'SELECT * FROM tool_pins WHERE id > ? AND (?2 IS NULL OR status = ?2) ORDER BY id LIMIT ?3',
        cursor ?? '',
        status,
        limit,
      )
      .toArray()
      .map(toPin);
  }

  put(pin: ToolPin): void {
    this.#sql.exec(
      `INSERT INTO tool_pins VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
       ON CONFLICT (id) DO UPDATE SET pinned_hash = ?4, pinned_definition = ?5, offered_hash = ?6,
         offered_definition = ?7, status = ?8, updated_at = ?10`,
      pin.id,
      pin.server,
      pin.name,
      pin.pinnedHash,
      pin.pinnedDefinition,
      pin.offeredHash,
      pin.offeredDefinition,
      pin.status,
      pin.createdAt,
      pin.updatedAt,
    );
  }
}

function toPin(row: Row): ToolPin {
  return {
    id: row.id,
    server: row.server,
    name: row.name,
    pinnedHash: row.pinned_hash,
    pinnedDefinition: row.pinned_definition,
    offeredHash: row.offered_hash,
    offeredDefinition: row.offered_definition,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
