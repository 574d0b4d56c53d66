import { decisionRoute } from './decide-approval.ts';

export const approveApproval = decisionRoute({
  verb: 'approve',
  operation: 'approveApproval',
  summary: 'Let this one call be made, once, with exactly these arguments.',
  status: 'approved',
});
