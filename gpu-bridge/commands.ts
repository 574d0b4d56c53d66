/** What an administrator asks of the bridge on its machine: to enrol it, and to replace its key. Each answers with a text. */
import { systemClock } from '../shared/core/clock.ts';
import { findBridgeIdentity } from './bridge-key.ts';
import { findDataDir, parseConfig, type Environment } from './config.ts';
import { enrol } from './enrolment.ts';
import { rotateKey } from './rotate-key.ts';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export async function enrolMachine(args: readonly string[], environment: Environment): Promise<string> {
  const [token, ...flags] = args;
  if (token === undefined || token.startsWith('-')) {
    throw new UsageError('usage: npm run bridge -- enrol <token> [--data-dir <folder>]');
  }
  const dataDir = findDataDir(environment, flags);
  const url = environment['FREEHOLD_BRIDGE_URL'] ?? null;
  const platformUrl = environment['FREEHOLD_PLATFORM_URL'];
  const { identity, platform, name } = await enrol({ token, dataDir, url, platformUrl, now: systemClock.now() });
  const folder = flags.length > 0 ? ` -- ${flags.join(' ')}` : '';
  return [
    `This machine is now the bridge "${name}" (${identity.id}) of ${platform.platform_url}, by ${platform.transport}.`,
    `Its key is in ${dataDir} and never leaves this machine. Start it: npm run bridge${folder}`,
  ].join('\n');
}

export async function rotateNow(args: readonly string[], environment: Environment): Promise<string> {
  const { data_dir: dataDir, platform_url: platformUrl, private_key: given } = parseConfig(environment, args);
  if (given) throw new UsageError('The key comes from FREEHOLD_BRIDGE_KEY: replace it there, and enrol again.');
  const identity = await findBridgeIdentity(dataDir);
  if (!identity) throw new UsageError(`There is no key in ${dataDir}: enrol this machine first.`);
  const turned = await rotateKey({ dataDir, platformUrl, identity, now: systemClock.now() });
  if (!turned.ok) throw new UsageError(turned.failure.message);
  const { expiresAt, previousUntil } = turned.value;
  return `The bridge ${identity.id} has a new key, good until ${expiresAt}. The one before counts until ${previousUntil}; a running bridge takes the new one up by itself.`;
}
