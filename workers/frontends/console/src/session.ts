/**
 * Who is signed in: a credential that lives as long as the browser's tab, a provider's token no longer than it says. The
 * credential is sent to this host alone, as a header.
 */
import { useSyncExternalStore } from 'react';

/** `endsAt`: by this machine's clock, of a provider's token. */
export type Session = { readonly credential: string; readonly endsAt?: number };

export const SignInEnded = 'Your sign-in by the identity provider has ended. Sign in again to go on.';

const Name = 'freehold.console';
const listeners = new Set<() => void>();
let current = read();
/** Why the last session ended, for the page where the next one begins. */
let endedBy: string | undefined;

function read(): Session | undefined {
  const kept = sessionStorage.getItem(Name);
  try {
    return kept === null ? undefined : (JSON.parse(kept) as Session);
  } catch {
    return undefined;
  }
}

function change(next: Session | undefined): void {
  current = next;
  for (const listener of listeners) listener();
}

export const sessions = {
  get current(): Session | undefined {
    return current;
  },
  get endedBy(): string | undefined {
    return endedBy;
  },
  begin(session: Session): void {
    endedBy = undefined;
    sessionStorage.setItem(Name, JSON.stringify(session));
    change(session);
  },
  end(reason?: string): void {
    endedBy = reason;
    sessionStorage.removeItem(Name);
    change(undefined);
  },
};

export function useSession(): Session | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
