import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { Tunnel } from '../../../gpu-bridge/tunnel.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { silentLogger } from '../../../shared/core/log.ts';
import { waitUntil } from '../../support/wait-until.ts';

const HandshakeSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 section 1.3

/** A platform that takes up a connection only when the test says so. */
async function startPlatform() {
  const dialled: { readonly key: string; readonly socket: Duplex }[] = [];
  const server = createServer().on('upgrade', ({ headers }, socket) => {
    socket.on('error', () => {});
    dialled.push({ key: headers['sec-websocket-key']!, socket });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const { socket } of dialled) socket.destroy();
    server.close();
  });
  const accept = (at: number) => {
    const { key, socket } = dialled[at]!;
    const proof = createHash('sha1')
      .update(key + HandshakeSuffix)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${proof}\r\n\r\n`,
    );
  };
  return { dialled, accept, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function startTunnel() {
  const platform = await startPlatform();
  const changes: boolean[] = [];
  const tunnel: Tunnel = new Tunnel({
    platformUrl: platform.url,
    platform: {
      sign: () => Promise.resolve('token'),
      post: () => Promise.reject(new Error('the tunnel posts nothing')),
    },
    bridgeId: 'bri_1',
    handle: () => Promise.resolve(),
    clock: systemClock,
    random: () => 0,
    log: silentLogger,
    maxBodyBytes: 1000,
    keepAliveMs: 1000,
    onChange: () => changes.push(tunnel.isOpen),
  });
  onTestFinished(() => tunnel.close());
  tunnel.start();
  await waitUntil('the tunnel is dialled', () => platform.dialled.length === 1);
  return { tunnel, platform, changes };
}

it('is not open before the platform has taken it up', async () => {
  const { tunnel, platform } = await startTunnel();
  expect(tunnel.isOpen).toBe(false);
  platform.accept(0);
  await waitUntil('the tunnel is open', () => tunnel.isOpen);
});

it('stays open, and says so, while it is opened anew under another key', async () => {
  const { tunnel, platform, changes } = await startTunnel();
  platform.accept(0);
  await waitUntil('the tunnel is open', () => tunnel.isOpen);
  tunnel.renew();
  await waitUntil('it is dialled again', () => platform.dialled.length === 2);
  expect(tunnel.isOpen).toBe(true);
  platform.accept(1);
  await waitUntil('the new one is open', () => changes.length === 2);
  platform.dialled[0]!.socket.destroy();
  platform.dialled[1]!.socket.destroy();
  await waitUntil('both have broken', () => !tunnel.isOpen);
  expect(changes).toEqual([true, true, false]);
});

it('stays open where the platform lets the old session go before the new one is seen here', async () => {
  const { tunnel, platform, changes } = await startTunnel();
  platform.accept(0);
  await waitUntil('the tunnel is open', () => tunnel.isOpen);
  tunnel.renew();
  await waitUntil('it is dialled again', () => platform.dialled.length === 2);
  platform.dialled[0]!.socket.destroy();
  await waitUntil('the old one has gone', () => platform.dialled[0]!.socket.closed);
  platform.accept(1);
  await waitUntil('the new one is open', () => changes.length === 2);
  expect(changes).toEqual([true, true]);
});

it('is closed when the old session has gone and the new one cannot be had', async () => {
  const { tunnel, platform, changes } = await startTunnel();
  platform.accept(0);
  await waitUntil('the tunnel is open', () => tunnel.isOpen);
  tunnel.renew();
  await waitUntil('it is dialled again', () => platform.dialled.length === 2);
  platform.dialled[0]!.socket.destroy();
  platform.dialled[1]!.socket.destroy();
  await waitUntil('it is closed', () => !tunnel.isOpen);
  expect(changes).toEqual([true, false]);
});
