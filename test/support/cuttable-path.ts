/**
 * A way to a port that can be cut as a network is: what runs over it breaks off, and nobody gets through until it is mended.
 * A browser that is told to be offline lets a stream go on that has begun.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type CuttablePath = {
  readonly port: number;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
};

export async function openPath(to: number): Promise<CuttablePath> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (isCut) return near.destroy();
    const far = connect(to, '127.0.0.1');
    keep(far);
    near.on('close', () => far.destroy()).pipe(far);
    far.on('close', () => near.destroy()).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      drop();
    },
    mend() {
      isCut = false;
    },
    close() {
      drop();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
