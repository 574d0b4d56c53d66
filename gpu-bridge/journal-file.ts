/**
 * A file that is written at its known end alone, so that nothing that a failed write left behind stays in front of what
 * follows. A write into the memory of the system takes microseconds, which is less than a round by the thread pool; what
 * is to be forced to the disk is waited for there.
 */
import { ftruncateSync, writeSync } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';

export class JournalFile {
  readonly #path: string;
  readonly #syncs: boolean;
  #handle: FileHandle;
  #size = 0;

  protected constructor(path: string, syncs: boolean, handle: FileHandle) {
    this.#path = path;
    this.#syncs = syncs;
    this.#handle = handle;
  }

  /** `syncEveryWrite`: force every group to the disk before it counts as written. */
  static async open(path: string, syncEveryWrite: boolean): Promise<JournalFile> {
    await (await open(path, 'a+', 0o600)).close();
    return new this(path, syncEveryWrite, await open(path, 'r+'));
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** The whole lines; a torn last one is cut off and told of. */
  async readLines(onTorn: (bytes: number) => void): Promise<string[]> {
    const bytes = await this.#handle.readFile();
    const whole = bytes.lastIndexOf(0x0a) + 1;
    if (whole < bytes.length) {
      onTorn(bytes.length - whole);
      await this.#handle.truncate(whole);
    }
    this.#size = whole;
    return Buffer.from(bytes.subarray(0, whole)).toString('utf8').split('\n').slice(0, -1);
  }

  /** A promise where the disk is waited for. Throws where not all of it could be written, and takes back the rest. */
  append(text: string): Promise<void> | undefined {
    const bytes = Buffer.from(text);
    try {
      for (let done = 0; done < bytes.length;) done += this.write(this.#handle.fd, bytes, done, this.#size + done);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#size += bytes.length;
    if (!this.#syncs) return undefined;
    return this.#handle.datasync().catch((error: unknown) => {
      this.#size -= bytes.length;
      this.#takeBack();
      throw error;
    });
  }

  /** How many bytes went in, from `offset` on. */
  protected write(file: number, bytes: Buffer, offset: number, position: number): number {
    return writeSync(file, bytes, offset, bytes.length - offset, position);
  }

  #takeBack(): void {
    try {
      ftruncateSync(this.#handle.fd, this.#size);
    } catch {
      // What is left lies behind the known end, and the next write goes over it.
    }
  }

  /** Puts another file in its place, at once and whole. */
  async replace(text: string): Promise<void> {
    const path = `${this.#path}.new`;
    const handle = await open(path, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.datasync();
      await rename(path, this.#path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    const old = this.#handle;
    this.#handle = handle;
    this.#size = Buffer.byteLength(text);
    await old.close();
  }

  async close(): Promise<void> {
    await this.#handle.datasync();
    await this.#handle.close();
  }
}
