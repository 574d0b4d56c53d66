/** Turns a bridge's answer that carries something else than JSON back into that. */
import { carriedAnswer } from '../../../shared/contracts/audio.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { raw, readJsonReply, type Reply } from '../../http/reply.ts';

export async function unpackCarried(reply: Reply): Promise<Result<Reply>> {
  const read = await readJsonReply(reply);
  if (!read.ok) return read;
  const carried = carriedAnswer.safeParse(read.value.kind === 'json' ? read.value.body : undefined);
  if (!carried.success) return err('upstream_invalid', undefined, { reason: 'the bridge carries no answer' });
  const bytes = Buffer.from(carried.data.data, 'base64');
  const headers = {
    'content-type': carried.data.media,
    'content-length': String(bytes.length),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  return ok(raw(new Response(bytes, { headers })));
}
