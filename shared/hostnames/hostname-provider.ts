/**
 * Who brings the traffic and the certificate of a custom hostname. `setUp` may be asked again and again: it begins what
 * is not begun and tells how far it is. A failed Result is an outage and is tried again; `failed` is the provider's last
 * word.
 */
import { ok, type Result } from '../core/result.ts';

export type Provision = {
  readonly state: 'active' | 'pending' | 'failed';
  /** The provider's own id of the hostname. */
  readonly ref: string | null;
  readonly reason?: string;
};

export interface HostnameProvider {
  setUp(hostname: string, ref: string | null): Promise<Result<Provision>>;
  /** What is not there any more is removed. */
  remove(hostname: string, ref: string | null): Promise<Result<undefined>>;
}

/** On one's own machine the operator's proxy terminates TLS for whatever name leads there: nothing is to be set up. */
export const selfHosted: HostnameProvider = {
  setUp: async () => ok({ state: 'active', ref: null }),
  remove: async () => ok(),
};
