/**
 * Answers a job that may have been answered before: from the cache, or with the answer of a job that is under way for
 * the very same body, or by a node, for others after it. Each job has its own receipt; one that no node worked for says
 * so: nothing read, nothing written, by the cache. Only a whole answer is kept, and who leaves takes nobody with them.
 */
import { CacheHeader } from '../shared/contracts/inference.ts';
import type { Failure } from '../shared/core/failure.ts';
import type { FlightEnd, JobRun } from './job-run.ts';
import { streamHeaders } from './send-failure.ts';

/** What stands in a receipt in place of a node. */
const CacheSource = { name: 'cache', kind: 'cache', external: false } as const;

/** What a job does when no answer is there for it. */
type Produce = () => Promise<Failure | undefined>;

export async function answerOnce(
  run: JobRun,
  key: string,
  isStream: boolean,
  begun: Promise<void>,
  produce: Produce,
): Promise<Failure | undefined> {
  const { cache, flights } = run.deps;
  for (;;) {
    const kept = cache.find(key);
    if (kept !== undefined) return sendKept(run, kept, isStream, begun);
    // A stream's caller wants the first token now, not the whole answer later.
    const flight = isStream ? undefined : flights.find(key);
    if (!flight) break;
    const end = await Promise.race([flight, whenAborted(run.stopped)]);
    if (end === undefined) return run.stopReason?.failure;
    if (end === 'failed') break;
    if (end !== 'left') return sendKept(run, end.answer, isStream, begun);
  }
  return produceForAll(run, key, isStream, produce);
}

async function produceForAll(
  run: JobRun,
  key: string,
  isStream: boolean,
  produce: Produce,
): Promise<Failure | undefined> {
  const tellOthers = isStream ? undefined : run.deps.flights.begin(key);
  let end: FlightEnd = 'failed';
  run.record();
  run.meter.noteCache('miss');
  try {
    const failure = await produce();
    if (run.outcome === 'completed') {
      end = { answer: run.said };
      run.deps.cache.keep(key, end.answer);
    } else if (run.sink.gone.aborted) end = 'left';
    return failure;
  } finally {
    tellOthers?.(end);
  }
}

async function sendKept(
  run: JobRun,
  answer: string,
  isStream: boolean,
  begun: Promise<void>,
): Promise<Failure | undefined> {
  await begun;
  if (run.stopped.aborted) return run.stopReason?.failure;
  run.meter.served(CacheSource, 0, () => undefined);
  run.noteSaid(answer);
  run.meter.noteCache('hit');
  await run.settle('completed');
  const headers = { ...run.answerHeaders(CacheSource), [CacheHeader]: 'hit' };
  if (!isStream) {
    run.sink.sendJson(200, answer, headers);
    return undefined;
  }
  run.sink.startStream({ ...streamHeaders(run.job.claims.jti), ...headers });
  void run.sink.write(answer);
  run.sink.end();
  return undefined;
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
