/** What the console asks before anybody has signed in. */
import { ok } from '../../../shared/core/result.ts';
import { listOf, toList } from '../../../shared/contracts/common.ts';
import { MaxIssuers, signInOption } from '../../../shared/contracts/issuers.ts';
import { signInOptions } from '../../edge/issuers/sign-in-options.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listSignInOptions = publicRoute(
  {
    host: 'tenant',
    method: 'GET',
    path: '/v1/console/sign_in_options',
    operation: 'listSignInOptions',
    summary: 'List the providers by which people sign in to the console.',
    tag: 'Issuers',
    surface: 'native',
    answer: { status: 200, schema: listOf(signInOption) },
  },
  async (context) => {
    const options = await signInOptions(context);
    return options.ok ? ok(json(toList(options.value, MaxIssuers, ({ issuer }) => issuer))) : options;
  },
);
