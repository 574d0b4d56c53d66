/** Signed in, the pages; else the place to sign in. What one session has read, the next one does not see. */
import { RouterProvider } from '@tanstack/react-router';
import { useEffect } from 'react';
import { queryClient } from '../api/queries.ts';
import { SignInEnded, sessions, useSession } from '../session.ts';
import { router } from './router.tsx';
import { SignIn } from './sign-in.tsx';

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
  return session ? <RouterProvider router={router} /> : <SignIn />;
}
