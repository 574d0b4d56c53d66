-- Prices for one plan or one tenant, with tiers; prices of what is metered; terms; the operator's copies.
ALTER TABLE prices ADD COLUMN scope TEXT NOT NULL DEFAULT '*';
ALTER TABLE prices ADD COLUMN tiers TEXT;
DROP INDEX prices_by_model;
CREATE UNIQUE INDEX prices_by_model ON prices (scope, model, effective_from);
CREATE TABLE rates (
  id TEXT PRIMARY KEY NOT NULL,
  scope TEXT NOT NULL,
  sku TEXT NOT NULL,
  unit_micros INTEGER NOT NULL,
  tiers TEXT NOT NULL,
  effective_from INTEGER NOT NULL
);
CREATE UNIQUE INDEX rates_by_sku ON rates (scope, sku, effective_from);
CREATE TABLE plan_terms (
  id TEXT PRIMARY KEY NOT NULL,
  plan TEXT NOT NULL,
  platform_fee_micros INTEGER NOT NULL,
  included TEXT NOT NULL,
  effective_from INTEGER NOT NULL
);
CREATE UNIQUE INDEX plan_terms_by_plan ON plan_terms (plan, effective_from);
CREATE TABLE tenant_terms (
  id TEXT PRIMARY KEY NOT NULL,
  tenant_id TEXT NOT NULL,
  markup_bps INTEGER NOT NULL,
  tax_bps INTEGER NOT NULL,
  tax_label TEXT,
  effective_from INTEGER NOT NULL
);
CREATE UNIQUE INDEX tenant_terms_by_tenant ON tenant_terms (tenant_id, effective_from);
CREATE TABLE invoices (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  month TEXT NOT NULL,
  total_micros INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX invoices_by_month ON invoices (month, tenant_id);
CREATE TRIGGER invoices_are_never_changed BEFORE UPDATE ON invoices
  BEGIN SELECT RAISE(ABORT, 'a closed invoice is never changed'); END;
CREATE TRIGGER invoices_are_never_deleted BEFORE DELETE ON invoices
  BEGIN SELECT RAISE(ABORT, 'a closed invoice is never deleted'); END;
CREATE TABLE usage_daily (
  tenant_id TEXT NOT NULL,
  day TEXT NOT NULL,
  sku TEXT NOT NULL,
  model TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, day, sku, model)
);
CREATE INDEX usage_daily_by_day ON usage_daily (day);
