/**
 * How a machine becomes a bridge: the operator's token says where the platform is and is exchanged, once, for the
 * enrolment of a key that is made here. What the bridge needs to know of its platform is kept beside the key.
 */
import { mkdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { toUnixSeconds } from '../shared/core/clock.ts';
import { enrolled, enrolmentClaims, transport, type EnrolmentClaims } from '../shared/contracts/bridges.ts';
import { TokenTypes } from '../shared/contracts/inference.ts';
import {
  adoptNextIdentity,
  findBridgeIdentity,
  isDueForRotation,
  loadBridgeIdentity,
  prepareNextIdentity,
  type BridgeIdentity,
} from './bridge-key.ts';
import { createPlatformClient, describeRefusal, isGood } from './platform-client.ts';
import { replaceFile } from './replace-file.ts';

/** What an enrolment leaves in the data directory. */
export const enrolledPlatform = z.object({
  platform_url: z.url(),
  platform_keys: z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }),
  transport,
});
export type EnrolledPlatform = z.infer<typeof enrolledPlatform>;

export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';
}

/** Undefined where the machine was not enrolled. */
export function readEnrolledPlatform(dataDir: string): EnrolledPlatform | undefined {
  const path = join(dataDir, 'platform.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const parsed = enrolledPlatform.safeParse(JSON.parse(text));
  if (!parsed.success) throw new EnrolmentError(`${path} is not what an enrolment has written; enrol again.`);
  return parsed.data;
}

export async function enrol(options: {
  readonly token: string;
  readonly dataDir: string;
  /** Where the bridge listens, if it does. */
  readonly url: string | null;
  /** Overrides the address in the token, for a platform that is reached another way from here. */
  readonly platformUrl?: string | undefined;
  readonly now: number;
}): Promise<{ readonly identity: BridgeIdentity; readonly platform: EnrolledPlatform; readonly name: string }> {
  const { token, dataDir, url, now } = options;
  const claims = readToken(token);
  const platformUrl = options.platformUrl ?? claims.platform;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const { identity, isNext } = await chooseIdentity(dataDir, claims, now);
  const client = createPlatformClient(platformUrl, identity.id, () => identity);
  const payload = { iss: identity.id, iat: toUnixSeconds(now), token, public_key: identity.publicKey, url };
  const answer = await client.post('/bridge/v1/enrol', TokenTypes.enrol, payload).catch((error: unknown) => {
    throw new EnrolmentError(`The platform at ${platformUrl} cannot be reached: ${String(error)}`);
  });
  if (!isGood(answer)) throw new EnrolmentError(`The platform refused the enrolment: ${describeRefusal(answer)}`);
  const { platform_keys: platformKeys, bridge } = enrolled.parse(answer.body);
  if (isNext) await adoptNextIdentity(dataDir);
  const platform = { platform_url: platformUrl, platform_keys: platformKeys, transport: bridge.transport };
  await replaceFile(join(dataDir, 'platform.json'), `${JSON.stringify(platform, null, 2)}\n`);
  return { identity, platform, name: bridge.name };
}

/** What the token says; whether it holds, the platform decides. */
function readToken(token: string): EnrolmentClaims {
  try {
    return enrolmentClaims.parse(decodeJwt(token));
  } catch {
    throw new EnrolmentError('This is not an enrolment token. Copy the whole of what the operator was shown.');
  }
}

/** The key that the machine has, or its first; a new one where the token renews this bridge and the present one is old. */
async function chooseIdentity(
  dataDir: string,
  { bridge }: EnrolmentClaims,
  now: number,
): Promise<{ readonly identity: BridgeIdentity; readonly isNext: boolean }> {
  const present = await findBridgeIdentity(dataDir);
  if (present && bridge === present.id && isDueForRotation(present, now)) {
    return { identity: await prepareNextIdentity(dataDir, present.id, now), isNext: true };
  }
  const identity = present ?? (await loadBridgeIdentity({ dataDir, id: bridge, privateJwk: undefined, now }));
  return { identity, isNext: false };
}
