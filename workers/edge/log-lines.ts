/**
 * Request events on their way to the log: gathered for a moment and written as lines of one message, since a message
 * costs more than what is in it. A line waits 50 ms at most; errors do not come this way.
 */
const GatherMs = 50;
const MaxLines = 64;

let lines: string[] = [];

export function writeLogLine(line: string, waitUntil: (work: Promise<unknown>) => void): void {
  lines.push(line);
  if (lines.length === 1) waitUntil(scheduler.wait(GatherMs).then(flush));
  else if (lines.length >= MaxLines) flush();
}

function flush(): void {
  if (lines.length > 0) console.log(lines.join('\n'));
  lines = [];
}
