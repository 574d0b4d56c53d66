/**
 * The way to a provider and back to this tab. What was asked is kept in the tab meanwhile and taken once; nothing of the
 * answer stays in the address.
 */
import type { SignInOption } from '../../../../shared/contracts/issuers.ts';
import { arrive, depart, type Departure, type Exchange, type Token } from './oidc.ts';

const Name = 'freehold.console.departure';
const redirectUri = `${location.origin}/console`;
let arrival = readArrival();

export async function goToProvider(option: SignInOption): Promise<void> {
  const { departure, url } = await depart(option, redirectUri, location.pathname + location.search);
  sessionStorage.setItem(Name, JSON.stringify(departure));
  location.assign(url);
}

/** Undefined where no provider opened this page, or its answer was taken before. */
export function takeArrival(): Promise<Token> | undefined {
  if (!arrival) return undefined;
  const { answer, departure } = arrival;
  arrival = undefined;
  return arrive(answer, departure, redirectUri, exchange);
}

function readArrival(): { readonly answer: URLSearchParams; readonly departure: Departure | undefined } | undefined {
  const answer = new URLSearchParams(location.search);
  if (location.pathname !== '/console' || !answer.has('state')) return undefined;
  const kept = sessionStorage.getItem(Name);
  sessionStorage.removeItem(Name);
  const departure = kept === null ? undefined : (JSON.parse(kept) as Departure);
  history.replaceState(null, '', departure?.place ?? '/console');
  return { answer, departure };
}

const exchange: Exchange = async (url, form) => {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body: form,
      headers: { accept: 'application/json' },
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
    });
    return { ok: answer.ok, body: (await answer.json()) as Readonly<Record<string, unknown>> };
  } catch {
    throw new Error(
      `The identity provider does not answer this page. It has to allow requests from ${location.origin}.`,
    );
  }
};
