/**
 * Puts a bridge's events of speech together into the whole audio, for callers who want nothing but that: what breaks off
 * is a failure before it is an answer (docs/decisions/0042).
 */
import { speechEvent } from '../../../shared/contracts/audio.ts';
import { failureKinds, type FailureCode } from '../../../shared/core/failure.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { readSse } from '../../../shared/core/sse.ts';
import { raw, type Reply } from '../../http/reply.ts';

export async function collectSpeech({ body }: Response, media: string): Promise<Result<Reply>> {
  const pieces: Buffer[] = [];
  try {
    for await (const { data } of readSse(body ?? new Blob().stream())) {
      const event = speechEvent.parse(JSON.parse(data));
      if ('error' in event) {
        const { code, message } = event.error;
        return err(
          code !== null && Object.hasOwn(failureKinds, code) ? (code as FailureCode) : 'upstream_cut',
          message,
        );
      }
      if (event.type === 'speech.audio.done') return ok(toReply(Buffer.concat(pieces), media));
      pieces.push(Buffer.from(event.audio, 'base64'));
    }
  } catch (error) {
    return err('upstream_cut', undefined, { reason: String(error) });
  }
  return err('upstream_cut');
}

function toReply(audio: Buffer, media: string): Reply {
  const headers = {
    'content-type': media,
    'content-length': String(audio.length),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  return raw(new Response(audio, { headers }));
}
