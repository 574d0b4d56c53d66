/** A file that is there whole or not at all, however the process ends while it is written. */
import { open, rename } from 'node:fs/promises';

/** What it held before stays where the writing fails. Only its owner may read it. */
export async function replaceFile(path: string, contents: string | Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(contents);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, path);
}
