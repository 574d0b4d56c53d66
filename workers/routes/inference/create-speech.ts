import { speechMediaOf, speechRequest } from '../../../shared/contracts/audio.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { collectSpeech } from './collect-speech.ts';
import { forwardRun } from './forward-run.ts';
import { planRun } from './plan-run.ts';

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
    answer: {
      status: 200,
      media: 'audio/mpeg',
      others: ['audio/opus', 'audio/aac', 'audio/flac', 'audio/wav', 'text/event-stream'],
    },
    plan: (request, { body }) =>
      planRun(request, { model: body.model, operation: 'speech', bound: () => ({ units: body.input.length }) }),
  },
  async (call, { body, text }) => {
    const streams = body.stream_format === 'sse';
    const bytesCountedBy = streams ? 'bridge' : 'edge';
    const reply = await forwardRun(call, call.planned, { model: body.model, text, bytesCountedBy });
    if (!reply.ok || streams || reply.value.kind !== 'raw') return reply;
    return collectSpeech(reply.value.response, speechMediaOf(body));
  },
);
