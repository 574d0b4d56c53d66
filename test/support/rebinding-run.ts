/**
 * Run in a mount namespace whose resolver is 127.0.0.5: names of `alternate`, `both` and `inside` lead, without any time to
 * live, to a listed address at one query and to a denied one at the next, to both at once, or to the denied one alone.
 * Prints how often each address was reached through the network of a platform. Arguments: the data folder, how many names.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { askProbe, startProbe } from './egress-probe.ts';

const [dataDir, count] = [process.argv[2]!, Number(process.argv[3])];
const Denied = '127.0.0.1';
const Listed = '127.0.0.2';
const TypeA = 1;
const kinds = ['alternate', 'both', 'inside'] as const;
const queries = new Map<string, number>();

function addressesOf(name: string): readonly string[] {
  const times = queries.get(name) ?? 0;
  queries.set(name, times + 1);
  const at = Number.parseInt(name, 10);
  const [, kind] = name.split('.');
  if (kind === 'alternate') return [(times + at) % 2 === 0 ? Denied : Listed];
  if (kind === 'both') return at % 2 === 0 ? [Denied, Listed] : [Listed, Denied];
  return [Denied];
}

/** RFC 1035: the question comes back, then one record an address, each naming the question. */
function answer(query: Uint8Array): Uint8Array {
  let at = 12;
  const labels: string[] = [];
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(String.fromCharCode(...query.subarray(at + 1, at + 1 + length)));
    at += length + 1;
  }
  const [question, type] = [query.subarray(12, at + 5), query[at + 2]];
  const addresses = type === TypeA ? addressesOf(labels.join('.').toLowerCase()) : [];
  const head = [...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, addresses.length, 0, 0, 0, 0];
  const records = addresses.flatMap((address) =>
    [0xc0, 12, 0, TypeA, 0, 1, 0, 0, 0, 0, 0, 4].concat(address.split('.').map(Number)),
  );
  return Uint8Array.from([...head, ...question, ...records]);
}

const dns = createSocket('udp4');
dns.on('message', (query, { port, address }) => dns.send(answer(query), port, address));
dns.bind(53, '127.0.0.5');
await once(dns, 'listening');

const port = await findFreePort();
const reached = { [Denied]: 0, [Listed]: 0 };
const servers = await Promise.all(
  ([Denied, Listed] as const).map(async (host) => {
    const server = createServer((_, response) => {
      reached[host]++;
      response.writeHead(200, { connection: 'close' }).end();
    }).listen(port, host);
    await once(server, 'listening');
    return server;
  }),
);

async function run(folder: string, allow: string) {
  const probe = await startProbe(join(dataDir, folder), allow);
  reached[Denied] = 0;
  reached[Listed] = 0;
  for (let at = 0; at < count; at++) {
    const name = `${at}.${kinds[at % kinds.length]}.${folder}.rebound.example`;
    await askProbe(probe, 'EGRESS', `http://${name}:${port}/`);
  }
  await probe.stop();
  return { denied: reached[Denied], listed: reached[Listed] };
}

const strict = await run('strict', `${Listed}/32`);
const permissive = await run('permissive', '127.0.0.0/8');
console.log(JSON.stringify({ strict, permissive, asked: [...queries.values()].reduce((sum, each) => sum + each, 0) }));
for (const server of servers) server.close();
dns.close();
process.exit(0);
