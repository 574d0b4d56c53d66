-- The operator's copies of what tenants' objects have counted: whole hours and days, and everything since the beginning.
CREATE TABLE telemetry_tallies (
  tenant_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  tally TEXT NOT NULL,
  PRIMARY KEY (tenant_id, tier, at, kind)
);
CREATE INDEX telemetry_tallies_by_time ON telemetry_tallies (tier, at);
