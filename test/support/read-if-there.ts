/** A file's bytes as text. Of a platform that runs, a file may be gone by the time that it is read. */
import { readFileSync } from 'node:fs';

export function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
