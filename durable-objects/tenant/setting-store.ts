/** All SQL about a tenant's settings: few names, one value each, read on every admission and so kept in memory. */
export type SettingName = 'status' | 'chat_agent' | 'branding' | 'stopped' | 'profile';

export class SettingStore {
  readonly #sql: SqlStorage;
  #values = new Map<string, string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.reload();
  }

  /** After rows were written or dropped past this store. */
  reload(): void {
    this.#values = new Map(
      this.#sql
        .exec<{ name: string; value: string }>('SELECT name, value FROM settings')
        .toArray()
        .map((row) => [row.name, row.value]),
    );
  }

  get(name: SettingName): string | undefined {
    return this.#values.get(name);
  }

  set(name: SettingName, value: string): void {
    this.#sql.exec(
      'INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      name,
      value,
    );
    this.#values.set(name, value);
  }
}
