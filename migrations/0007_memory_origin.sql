-- The tenant and agent that an imported memory was written for: its hashes name them. Null: its own.
ALTER TABLE memories ADD COLUMN origin TEXT;
