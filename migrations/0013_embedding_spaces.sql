-- The embedding spaces, beside the embedded default, that a tenant's memories were ever put into: entered before the
-- first vector, so that whoever erases or exports the tenant finds every one.
CREATE TABLE embedding_spaces (
  tenant_id TEXT NOT NULL,
  space TEXT NOT NULL,
  dimensions INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, space)
);
