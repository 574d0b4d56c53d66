import { decisionRoute } from './decide-approval.ts';

export const denyApproval = decisionRoute({
  verb: 'deny',
  operation: 'denyApproval',
  summary: 'Refuse a call. Its agent is told, and goes on without.',
  status: 'denied',
});
