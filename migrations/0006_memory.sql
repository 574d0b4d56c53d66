-- What a memory is about, who may recall it besides its agent, what it was made from, and until when it held.
ALTER TABLE memories ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE memories ADD COLUMN subject TEXT;
ALTER TABLE memories ADD COLUMN visitor TEXT;
ALTER TABLE memories ADD COLUMN readers TEXT NOT NULL DEFAULT '[]';
ALTER TABLE memories ADD COLUMN sources TEXT NOT NULL DEFAULT '[]';
-- The salted hash of what a deletion takes away; null in memories of an earlier release.
ALTER TABLE memories ADD COLUMN salt TEXT;
ALTER TABLE memories ADD COLUMN commitment TEXT;
ALTER TABLE memories ADD COLUMN closed_at INTEGER;
ALTER TABLE memories ADD COLUMN closed_by TEXT;
CREATE INDEX memories_by_subject ON memories (tenant_id, agent_id, subject) WHERE subject IS NOT NULL;
CREATE INDEX memories_by_visitor ON memories (tenant_id, agent_id, visitor) WHERE visitor IS NOT NULL;
