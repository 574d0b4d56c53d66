/**
 * One bridge for one data directory: two would write one journal over the other. The lock is a listening local socket
 * named after the directory, so it goes away with the process however that ends.
 */
import { createHash } from 'node:crypto';
import { realpath, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from './config.ts';

/** Resolves with the function that gives the directory free; a ConfigError where another bridge has it. */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const name = `freehold-bridge-${createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex')
    .slice(0, 24)}`;
  const server = await tryListen(dataDir, socketPath(name));
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Abstract on Linux and a named pipe on Windows: no file is left behind. */
function socketPath(name: string): string {
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

async function tryListen(dataDir: string, path: string): Promise<Server> {
  try {
    return await listen(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (path.startsWith('/') && !(await isHeld(path))) {
      await unlink(path);
      return listen(path);
    }
    throw new ConfigError(
      `Another bridge uses the data folder ${dataDir}. Give this one a folder of its own: --data-dir.`,
    );
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

/** Whether somebody listens behind the socket's file. */
function isHeld(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
