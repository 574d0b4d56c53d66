CREATE TABLE tenants (
  id TEXT PRIMARY KEY NOT NULL,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  plan TEXT NOT NULL,
  region TEXT,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE TABLE hostnames (
  hostname TEXT PRIMARY KEY NOT NULL,
  tenant_id TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX hostnames_by_tenant ON hostnames (tenant_id);
CREATE TABLE prices (
  id TEXT PRIMARY KEY NOT NULL,
  model TEXT NOT NULL,
  input_micros_per_mtok INTEGER NOT NULL,
  cached_input_micros_per_mtok INTEGER NOT NULL,
  output_micros_per_mtok INTEGER NOT NULL,
  effective_from INTEGER NOT NULL
);
CREATE UNIQUE INDEX prices_by_model ON prices (model, effective_from);
CREATE TABLE memories (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  scope TEXT NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  source_type TEXT NOT NULL,
  source_ref TEXT,
  author TEXT NOT NULL,
  confidence REAL NOT NULL,
  valid_from INTEGER,
  valid_until INTEGER,
  supersedes TEXT,
  embedding_space TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX memories_by_sequence ON memories (tenant_id, agent_id, sequence);
