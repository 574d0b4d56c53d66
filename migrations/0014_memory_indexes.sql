-- What a consolidation closed, and what was made from other memories, without a walk through all that an agent has.
CREATE INDEX memories_by_closer ON memories (tenant_id, closed_by) WHERE closed_by IS NOT NULL;
CREATE INDEX memories_made ON memories (tenant_id, agent_id) WHERE sources <> '[]';
