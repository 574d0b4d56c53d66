import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { apiClient } from '../../../scripts/freehold/api-client.ts';
import { findFreePort } from '../../../scripts/find-free-port.ts';

it('says which platform does not answer, and what to look for', async () => {
  const url = `http://acme.localhost:${await findFreePort()}`;
  await expect(apiClient(url, 'key')('GET', '/v1/agents')).rejects.toThrow(
    new RegExp(`^${url} does not answer \\(.*ECONNREFUSED.*\\)\\. Is Freehold running there\\?$`),
  );
});

it('says what was refused, and why', async () => {
  const server = createServer((_, response) => {
    response.writeHead(403).end(JSON.stringify({ error: { message: 'This key may not.' } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://acme.localhost:${(server.address() as AddressInfo).port}`;
  await expect(apiClient(url, 'key')('GET', '/v1/agents')).rejects.toThrow('GET /v1/agents: 403 This key may not.');
});
