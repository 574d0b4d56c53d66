import { isTextFormat, transcription, transcriptionRequest } from '../../../shared/contracts/audio.ts';
import { boundAudioMs } from '../../../shared/core/audio-length.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { forwardRun } from './forward-run.ts';
import { planRun } from './plan-run.ts';
import { unpackCarried } from './unpack-carried.ts';

export const createTranscription = tenantRoute(
  {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    operation: 'createTranscription',
    summary: 'Write down what is said in an audio file. Metered by the length of the audio.',
    tag: 'Inference',
    surface: 'openai',
    permission: 'inference:invoke',
    body: transcriptionRequest,
    form: true,
    answer: { status: 200, schema: transcription, others: ['text/plain'] },
    plan: (request, { body }) =>
      planRun(request, {
        model: body.model,
        operation: 'transcription',
        bound: () => ({ units: boundAudioMs(body.file.data) }),
      }),
  },
  async (call, { body, text }) => {
    const isCarried = isTextFormat(body.response_format);
    const bytesCountedBy = isCarried ? 'edge' : 'bridge';
    const reply = await forwardRun(call, call.planned, { model: body.model, text, bytesCountedBy });
    return reply.ok && isCarried ? unpackCarried(reply.value) : reply;
  },
);
