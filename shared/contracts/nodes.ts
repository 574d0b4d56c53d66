/**
 * Inference nodes as their operator sees them. A bridge says with every announcement in which state each of its nodes is,
 * and which changes of state there were since the platform last heard it. Nodes belong to no tenant, so no tenant is told.
 */
import { z } from 'zod';
import { isoTime } from './common.ts';

/**
 * `starting`: listed, but it has not produced a token yet. `lost`: does not say what it serves. `hung`: says so, but
 * produces nothing. `open`, `half_open`: its circuit, after failures in a row. `ejected`: fails more often than its peers.
 * Only `ready` and, one job at a time, `half_open` nodes get jobs.
 */
export const nodeState = z.enum(['starting', 'ready', 'lost', 'hung', 'open', 'half_open', 'ejected', 'draining']);
export type NodeState = z.infer<typeof nodeState>;

const nodeName = z.string().min(1).max(64);
const milliseconds = z.number().int().min(0);
const count = z.number().int().min(0);

export const nodeReport = z.object({
  name: nodeName,
  kind: z.string().max(64),
  external: z.boolean(),
  state: nodeState,
  /** Why it is in this state; empty where it is as it should be. */
  reason: z.string().max(300),
  since: milliseconds,
  models: z.array(z.string().max(200)).max(1000),
  /** Jobs of this bridge that it has now. */
  outstanding: count,
  /** Jobs of anybody, by the node's own count; null where it does not tell. */
  running: count.nullable(),
  waiting: count.nullable(),
  /** From a job's start to its first token, lately. */
  first_token_ms: milliseconds.nullable(),
});
export type NodeReport = z.infer<typeof nodeReport>;

export const nodeChange = z.object({
  /** Unique within the bridge. */
  id: z.string().min(1).max(64),
  at: milliseconds,
  node: nodeName,
  state: nodeState,
  before: nodeState,
  reason: z.string().max(300),
});
export type NodeChange = z.infer<typeof nodeChange>;

/** How many changes a bridge keeps until the platform has heard them. */
export const MaxUnheardChanges = 100;

export const inferenceNode = z.object({
  object: z.literal('inference_node'),
  bridge: z.string(),
  name: z.string(),
  kind: z.string(),
  external: z.boolean(),
  /** `unknown` where its bridge is not heard. */
  state: z.enum([...nodeState.options, 'unknown']),
  reason: z.string(),
  since: isoTime,
  /** The operator wants it to get no more jobs. */
  draining: z.boolean(),
  models: z.array(z.string()),
  outstanding: count,
  running: count.nullable(),
  waiting: count.nullable(),
  first_token_ms: milliseconds.nullable(),
  /** Its latest changes of state, the newest first. */
  events: z.array(
    z.object({
      type: z.string().describe('`node.` and the state that it came to.'),
      at: isoTime,
      before: nodeState,
      reason: z.string(),
    }),
  ),
});
export type InferenceNodeView = z.infer<typeof inferenceNode>;
