/**
 * The log of a process, gathered for a moment and written as one text: a write for every job would be a tenth of what
 * the bridge does. Errors go out at once; what is left when the process ends goes out then.
 */
import type { WriteLine } from '../shared/core/log.ts';

const GatherMs = 20;

export function gatherLines(): WriteLine {
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (text !== '') process.stdout.write(text);
    text = '';
  };
  process.once('exit', flush);
  return (level, line) => {
    if (level === 'error') return void process.stderr.write(`${line}\n`);
    text += `${line}\n`;
    timer ??= setTimeout(flush, GatherMs);
  };
}
