/**
 * The operator's exceptions for targets on their own premises, out of one line of configuration: address blocks
 * (`10.0.0.0/8`, `192.168.7.5`, `fd00::/8`), names (`hooks.corp.example`) and all names below one (`*.corp.example`).
 */
import ipaddr from 'ipaddr.js';
import { err, ok, type Result } from '../core/result.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

export class Allowlist {
  static readonly none = new Allowlist([], []);
  /** In CIDR notation, as they were written. */
  readonly blocks: readonly string[];
  readonly #names: readonly string[];

  private constructor(blocks: readonly string[], names: readonly string[]) {
    this.blocks = blocks;
    this.#names = names;
  }

  /** Empty text lists nothing. */
  static parse(text: string): Result<Allowlist> {
    const blocks: string[] = [];
    const names: string[] = [];
    for (const part of text.split(',')) {
      const entry = part.trim().toLowerCase();
      if (entry === '') continue;
      if (entry.includes('%')) return noEntry(entry);
      if (ipaddr.IPv4.isValidCIDRFourPartDecimal(entry) || ipaddr.IPv6.isValidCIDR(entry)) blocks.push(entry);
      else if (ipaddr.IPv4.isValidFourPartDecimal(entry)) blocks.push(`${entry}/32`);
      else if (ipaddr.IPv6.isValid(entry)) blocks.push(`${entry}/128`);
      else if (/^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?$/.test(entry))
        names.push(entry);
      else return noEntry(entry);
    }
    return ok(new Allowlist(blocks, names));
  }

  hasAddress(address: Address): boolean {
    return this.blocks.some((block) => {
      const [network, bits] = ipaddr.parseCIDR(block);
      return network.kind() === address.kind() && address.match(network, bits);
    });
  }

  hasName(hostname: string): boolean {
    return this.#names.some((name) =>
      name.startsWith('*.') ? hostname.endsWith(name.slice(1)) && hostname.length > name.length - 1 : hostname === name,
    );
  }
}

function noEntry(entry: string): Result<never> {
  return err('invalid_request', `"${entry}" is no address, no block of addresses and no name.`);
}
