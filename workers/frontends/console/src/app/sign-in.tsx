/** Where a session begins: by a key, the operator's token or a provider; checked against the platform, kept for this tab. */
import { Alert, Button, Divider, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useEffect, useState } from 'react';
import { ApiError } from '../api/api-error.ts';
import { send } from '../api/client.ts';
import { useApi } from '../api/queries.ts';
import { audience } from '../audience.ts';
import { goToProvider, takeArrival } from '../round-trip.ts';
import { sessions, type Session } from '../session.ts';
import { Brand } from './brand.tsx';

const isOperator = audience === 'operator';
const words = isOperator
  ? {
      label: 'Operator token',
      about: 'The token that the operator has: operator_token in dev.json on your own machine.',
    }
  : { label: 'API key', about: 'A key of this tenant, such as the one that was handed over with its address.' };

type Begin = (find: () => Session | Promise<Session>) => Promise<void>;
type Way = { readonly begin: Begin; readonly isChecking: boolean };

export function SignIn() {
  const [fault, setFault] = useState(sessions.endedBy);
  const [isChecking, setChecking] = useState(false);
  const begin: Begin = async (find) => {
    setChecking(true);
    setFault(undefined);
    setFault(await findRefusal(find));
    setChecking(false);
  };
  useEffect(() => {
    const arriving = takeArrival();
    if (!arriving) return;
    void begin(async () => {
      const { credential, lifetimeMs } = await arriving;
      return { credential, endsAt: Date.now() + lifetimeMs };
    });
  }, []);
  return (
    <main className="fh-sign-in">
      <div className="fh-sign-in-card">
        <Stack gap="lg">
          {isOperator ? <Brand name="Freehold" place="Operator" look={undefined} /> : <PublicBrand />}
          <div>
            <Title order={1} size="h3">
              Sign in
            </Title>
            <Text size="sm" c="dimmed" mt={4}>
              Paste your {isOperator ? 'token' : 'key'}. It stays in this tab until you close it or sign out.
            </Text>
          </div>
          {fault !== undefined && (
            <Alert role="alert" variant="default" className="fh-alert fh-alert-bad">
              {fault}
            </Alert>
          )}
          {!isOperator && <Providers isChecking={isChecking} />}
          <KeyForm begin={begin} isChecking={isChecking} />
        </Stack>
      </div>
    </main>
  );
}

/** What the tenant's visitors see as well, before anybody has signed in. */
function PublicBrand() {
  const { data } = useApi('GET /v1/chat/profile');
  return <Brand name={data?.name ?? location.hostname.split('.')[0]!} place={location.host} look={data} />;
}

/** The tenant's identity providers that have a client for this page. */
function Providers({ isChecking }: Pick<Way, 'isChecking'>) {
  const { data: options } = useApi('GET /v1/console/sign_in_options');
  if (!options || options.data.length === 0) return null;
  return (
    <Stack gap="sm">
      {options.data.map((option) => (
        <Button key={option.issuer} loading={isChecking} onClick={() => void goToProvider(option)}>
          Sign in with {new URL(option.issuer).host}
        </Button>
      ))}
      <Divider label="or by a key" />
    </Stack>
  );
}

function KeyForm({ begin, isChecking }: Way) {
  const [credential, setCredential] = useState('');
  const signIn = (pasted: string) =>
    begin(() => {
      const given = pasted.trim();
      if (given === '') throw new Error(`Paste the ${words.label.toLowerCase()} first.`);
      return { credential: given };
    });

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void signIn(credential);
      }}
    >
      <Stack>
        <PasswordInput
          label={words.label}
          description={words.about}
          value={credential}
          onChange={(event) => setCredential(event.currentTarget.value)}
          onPaste={(event) => void signIn(event.clipboardData.getData('text'))}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <Button type="submit" fullWidth loading={isChecking}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

/** Begins the session if the platform knows its credential; else says why not. */
async function findRefusal(find: () => Session | Promise<Session>): Promise<string | undefined> {
  try {
    const session = await find();
    await checkSession(session);
    sessions.begin(session);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function checkSession({ credential, endsAt }: Session): Promise<void> {
  const headers = { authorization: `Bearer ${credential}` };
  try {
    if (isOperator) await send('GET /operator/v1/tenants', { query: { limit: 1 } }, headers);
    else await send('GET /v1/tenant', {}, headers);
  } catch (error) {
    if (endsAt !== undefined && error instanceof ApiError && error.status === 401) {
      throw new Error(
        'The platform knows nobody by this token: you are no member here, or it is not for this platform.',
      );
    }
    // A key that may not read the tenant is one of its keys all the same.
    if (!(error instanceof ApiError && error.code === 'permission_denied')) throw error;
  }
}
