import { once } from 'node:events';
import { createServer } from 'node:net';

const LowestPort = 10_000;
/** From here on the system gives ports to connections (net.ipv4.ip_local_port_range). */
const FirstOfConnections = 32_768;

/**
 * A port that no connection is given: while nobody listens on such a one, as before a start or between a kill and the next
 * start, the system may hand it to whoever connects, even to who asks that very port whether it is back.
 */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = LowestPort + Math.floor(Math.random() * (FirstOfConnections - LowestPort));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`No free port below ${FirstOfConnections} was found.`);
}
