/** Requests byte by byte, for what no client would send. */
import { connect } from 'node:net';

export type RawAnswer = { readonly status: number; readonly text: string };

/** Sends the bytes and reads until the server closes, the answer is whole, or time is up (status 0). */
export function sendRaw(
  port: number,
  bytes: string | readonly (string | Buffer)[],
  timeoutMs = 5_000,
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const finish = () => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on('data', (chunk) => {
      text += Buffer.from(chunk).toString('latin1');
      if (isWhole(text)) socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      finish();
    });
    for (const part of typeof bytes === 'string' ? [bytes] : bytes)
      socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return text.endsWith('0\r\n\r\n');
}
