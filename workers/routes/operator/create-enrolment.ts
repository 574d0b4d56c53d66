import { toUnixSeconds } from '../../../shared/core/clock.ts';
import { ok } from '../../../shared/core/result.ts';
import { createdEnrolment, createEnrolment as body, EnrolmentAudience } from '../../../shared/contracts/bridges.ts';
import { JobIssuer } from '../../../shared/contracts/inference.ts';
import { door } from '../../edge/doors.ts';
import { platformKey } from '../../edge/platform-key.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { platformUrl } from '../../edge/tenant-url.ts';

export const createEnrolment = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/bridges',
    operation: 'createEnrolment',
    summary: 'Make a token that enrols one bridge, once. It is shown this once.',
    tag: 'Operator',
    surface: 'native',
    body,
    answer: { status: 201, schema: createdEnrolment },
  },
  async (context, { body: terms }) => {
    const made = await door(context.objects.nodePool()).createEnrolment(terms);
    if (!made.ok) return made;
    const { id, created_at: createdAt, expires_at: expiresAt } = made.value;
    const key = await platformKey(context.platform);
    const token = await key.signEnrolment({
      iss: JobIssuer,
      aud: EnrolmentAudience,
      jti: id,
      iat: toUnixSeconds(Date.parse(createdAt)),
      exp: toUnixSeconds(Date.parse(expiresAt)),
      platform: platformUrl(context),
      transport: terms.transport,
      ...(terms.bridge === undefined ? {} : { bridge: terms.bridge }),
    });
    return ok(json({ ...made.value, token, command: `npm run bridge -- enrol ${token}` }, 201));
  },
);
