-- The registry of models: every state of an entry, as the operator applied it. The newest counts; without a definition it is gone.
CREATE TABLE model_revisions (
  model TEXT NOT NULL,
  revision INTEGER NOT NULL,
  definition TEXT,
  applied_at INTEGER NOT NULL,
  PRIMARY KEY (model, revision)
);
