/** An archive as it streams out. */
import { raw, type Reply } from '../../http/reply.ts';
import { ArchiveMedia } from '../../../shared/store/archive.ts';

export function archiveReply(lines: ReadableStream<Uint8Array>, slug: string): Reply {
  return raw(
    new Response(lines, {
      headers: {
        'content-type': ArchiveMedia,
        'cache-control': 'no-store',
        'content-disposition': `attachment; filename="${slug}.jsonl"`,
      },
    }),
  );
}
