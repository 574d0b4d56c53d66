/** Signed in, the pages; else the place to sign in. What one session has read, the next one does not see. */
import { lazy, Suspense, useEffect } from 'react';
import { queryClient } from '../api/queries.ts';
import { SignInEnded, sessions, useSession } from '../session.ts';
import { SignIn } from './sign-in.tsx';

/** The pages come while somebody signs in; who is signed in already waits for nothing else. */
const pages = () => import('./router.tsx');
const Pages = lazy(pages);
if (sessions.current) void pages();

export function App() {
  const session = useSession();
  const credential = session?.credential;
  useEffect(() => () => queryClient.clear(), [credential]);
  const endsAt = session?.endsAt;
  useEffect(() => {
    if (endsAt === undefined) return undefined;
    const timer = setTimeout(() => sessions.end(SignInEnded), Math.max(0, endsAt - Date.now()));
    return () => clearTimeout(timer);
  }, [endsAt]);
  useEffect(() => void pages(), []);
  if (!session) return <SignIn />;
  return (
    <Suspense>
      <Pages />
    </Suspense>
  );
}
