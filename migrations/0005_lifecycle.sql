CREATE TABLE plans (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  features TEXT NOT NULL,
  limits TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
INSERT INTO plans VALUES (
  'standard',
  'Standard',
  '{}',
  '{"requests_per_minute":null,"tokens_per_minute":null,"concurrency":null,"agents":null,"keys":null,"storage_bytes":null,"domains":null}',
  0,
  0
);
ALTER TABLE tenants ADD COLUMN overrides TEXT NOT NULL DEFAULT '{"features":{},"limits":{}}';
CREATE TABLE deleted_tenants (
  id TEXT PRIMARY KEY NOT NULL,
  slug TEXT NOT NULL,
  deleted_at INTEGER NOT NULL,
  slug_free_at INTEGER NOT NULL,
  certificate TEXT NOT NULL
);
CREATE INDEX deleted_tenants_by_slug ON deleted_tenants (slug);
