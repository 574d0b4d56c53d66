/**
 * The operator's registry of models: under which name a model is asked for, which of its versions answers, who may ask.
 * A model that a node announces and no entry holds is asked for by its own name, by everybody.
 */
import { z } from 'zod';
import { tenantRef } from './billing.ts';
import { isoTime, listOf } from './common.ts';
import { jobOperation } from './inference.ts';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'lower-case letters, digits, dots, hyphens and underscores, at most 64');
const announcedId = z.string().min(1).max(200);
const version = z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, dots, hyphens and underscores, at most 64');

export const modelVersion = z.strictObject({
  version,
  model: announcedId.describe('Its id, as nodes announce it.'),
  digest: z.string().min(1).max(200).nullable().default(null).describe('What the node is to say of its file.'),
  bridge: z.string().min(1).max(100).nullable().default(null).describe('Name or id of the one bridge that serves it.'),
  node: z.string().min(1).max(64).nullable().default(null).describe('The one node behind a bridge that serves it.'),
});
export type ModelVersion = z.infer<typeof modelVersion>;

export const modelDefinition = z
  .strictObject({
    id: name,
    licence: z.string().max(100).nullable().default(null),
    operations: z.array(jobOperation).max(7).default([]).describe('What it is to be for; empty: not compared.'),
    context_window: z.number().int().positive().nullable().default(null),
    dimensions: z.number().int().positive().nullable().default(null),
    versions: z.array(modelVersion).min(1).max(20),
    current: version,
    canary: z
      .strictObject({ version, percent: z.number().int().min(1).max(100) })
      .nullable()
      .default(null),
    tenants: z.array(tenantRef).max(1_000).nullable().default(null).describe('Who may ask for it; null: everybody.'),
    aliases: z
      .array(z.strictObject({ name, tenant: tenantRef.nullable().default(null) }))
      .max(100)
      .default([])
      .describe('Other names for it: for one tenant, or for everybody who may ask for it.'),
  })
  .superRefine(({ versions, current, canary }, context) => {
    const known = new Set(versions.map((each) => each.version));
    if (known.size < versions.length)
      context.addIssue({ code: 'custom', path: ['versions'], message: 'has one twice' });
    if (!known.has(current))
      context.addIssue({ code: 'custom', path: ['current'], message: 'is none of the versions' });
    if (canary && (!known.has(canary.version) || canary.version === current)) {
      context.addIssue({ code: 'custom', path: ['canary', 'version'], message: 'is no other one of the versions' });
    }
  });
export type ModelDefinition = z.infer<typeof modelDefinition>;

export const modelDrift = z.object({
  version: z.string(),
  about: z.enum(['missing', 'operations', 'context_window', 'dimensions', 'digest', 'price']),
  expected: z.string(),
  found: z.string().nullable(),
});
export type ModelDrift = z.infer<typeof modelDrift>;

export const registeredModel = z.object({
  object: z.literal('registered_model'),
  ...modelDefinition.shape,
  revision: z.number().int(),
  applied_at: isoTime,
  drift: z.array(modelDrift).describe('Where the nodes say something else.'),
});
export type RegisteredModel = z.infer<typeof registeredModel>;

export const registeredModelList = listOf(registeredModel).extend({
  unregistered: z.array(z.string()).describe('What nodes announce and no entry holds.'),
});

export const rollBackModel = z.strictObject({
  revision: z.number().int().min(1).optional().describe('To which; without it, the one before.'),
});

export const removedModel = z.object({
  object: z.literal('registered_model.deleted'),
  id: z.string(),
  deleted: z.literal(true),
});
