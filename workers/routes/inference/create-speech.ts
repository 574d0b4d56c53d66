import { speechRequest } from '../../../shared/contracts/audio.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { forwardRun } from './forward-run.ts';
import { planRun } from './plan-run.ts';
import { unpackCarried } from './unpack-carried.ts';

export const createSpeech = tenantRoute(
  {
    method: 'POST',
    path: '/v1/audio/speech',
    operation: 'createSpeech',
    summary: 'Speak a text. Metered by its characters.',
    tag: 'Inference',
    surface: 'openai',
    permission: 'inference:invoke',
    body: speechRequest,
    answer: { status: 200, media: 'audio/mpeg', others: ['audio/opus', 'audio/aac', 'audio/flac', 'audio/wav'] },
    plan: (request, { body }) =>
      planRun(request, { model: body.model, operation: 'speech', bound: () => ({ units: body.input.length }) }),
  },
  async (call, { body, text }) => {
    const reply = await forwardRun(call, call.planned, { model: body.model, text, bytesCountedBy: 'edge' });
    return reply.ok ? unpackCarried(reply.value) : reply;
  },
);
