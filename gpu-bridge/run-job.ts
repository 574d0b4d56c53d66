/**
 * One job from its accepted token to its receipt: journals the run, finds a node, carries the answer to the caller,
 * meters it. Whatever happens, exactly one receipt follows, and it is in the journal before the last byte of the answer.
 */
import { fail, FailureError, type Failure } from '../shared/core/failure.ts';
import { describeError } from '../shared/core/log.ts';
import { err, type Result } from '../shared/core/result.ts';
import { answerEmbeddings } from './answer-embeddings.ts';
import { answerForwarded } from './answer-forwarded.ts';
import type { AnswerSink } from './answer-sink.ts';
import { answerOnce } from './answer-once.ts';
import { answerSpeech } from './answer-speech.ts';
import { answerText } from './answer-text.ts';
import { attemptNodes, healthAfter, type Attempt } from './attempt-nodes.ts';
import { makeCacheKey } from './cache-key.ts';
import { journalFailure, JobRun, type Job, type JobDeps } from './job-run.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import type { AttemptHealth } from './node-pool.ts';
import { NodeError } from './nodes/node.ts';
import { prepareBody } from './prepare-body.ts';
import { sendFailure } from './send-failure.ts';

export async function runJob(job: Job, sink: AnswerSink, deps: JobDeps): Promise<void> {
  const run = new JobRun(job, sink, deps);
  const onGone = () => run.stop();
  sink.gone.addEventListener('abort', onGone);
  if (sink.gone.aborted) run.stop();
  const { timeout_ms: timeoutMs } = job.claims;
  const timer = setTimeout(() => {
    run.stop({
      failure: fail('upstream_cut', `The job ran longer than its limit of ${timeoutMs} ms.`),
      blamesNode: false,
    });
  }, timeoutMs);
  deps.running.add(run);
  let failure: Failure | undefined;
  try {
    failure = await serve(run);
  } catch (error) {
    failure =
      error instanceof FailureError
        ? error.failure
        : fail('internal_error', undefined, { reason: describeError(error) });
  }
  clearTimeout(timer);
  sink.gone.removeEventListener('abort', onGone);
  if (failure || sink.gone.aborted) await settleFailed(run);
  if (failure && !sink.gone.aborted) sendFailure(sink, failure, job.claims.jti);
  deps.running.delete(run);
  run.markEnded();
  logRun(run, failure);
}

async function settleFailed(run: JobRun): Promise<void> {
  try {
    await run.settle(run.sink.gone.aborted ? 'cancelled' : 'failed');
  } catch (error) {
    run.deps.log.error('job.unsettled', { run: run.job.claims.jti, error: describeError(error) });
  }
}

function logRun(run: JobRun, failure: Failure | undefined): void {
  const { claims, operation } = run.job;
  run.deps.log.info('job', {
    run: claims.jti,
    tenant: claims.tenant,
    operation,
    model: claims.model,
    lane: claims.lane,
    outcome: run.outcome,
    output_tokens: run.meter.usage.completion_tokens,
    duration_ms: run.deps.clock.now() - run.startedAt,
    ...(failure ? { code: failure.code, reason: failure.reason } : {}),
  });
}

/** Answers the caller, or says why not. Nothing of a failure has been sent yet. */
async function serve(run: JobRun): Promise<Failure | undefined> {
  const { claims } = run.job;
  const begun = run.deps.journal
    .begin({
      run: claims.jti,
      tenant: claims.tenant,
      operation: claims.operation,
      model: claims.model,
      started_at: run.startedAt,
      ticket: claims.ticket,
      exp: claims.exp,
    })
    .catch((error: unknown) => {
      throw journalFailure(error);
    });
  begun.catch(() => {});
  const checked = checkJob(run.job);
  if (!checked.ok) return checked.failure;
  const body = checked.value;
  const produce = () => produceAnswer(run, body, begun);
  const key = makeCacheKey(claims, body, run.deps.pool.listDigests(claims.model));
  return key === undefined ? produce() : answerOnce(run, key, body['stream'] === true, begun, produce);
}

/** The same, by a node. */
async function produceAnswer(run: JobRun, body: JsonObject, begun: Promise<void>): Promise<Failure | undefined> {
  const streams = body['stream'] === true || body['stream_format'] === 'sse';
  const attempt = await attemptNodes(run, body, streams);
  if (!attempt.ok) return attempt.failure;
  let health: AttemptHealth = 'neutral';
  try {
    await begun;
    await answer(run, attempt.value, body);
    health = 'good';
    return undefined;
  } catch (error) {
    if (run.stopped.aborted) {
      if (run.stopReason?.blamesNode) health = 'bad';
      return run.stopReason?.failure;
    }
    if (!(error instanceof NodeError)) throw error;
    health = healthAfter(error);
    return error.failure;
  } finally {
    if (health !== 'good') run.stop();
    attempt.value.end(health);
  }
}

async function answer(run: JobRun, { node, answer: given, heard }: Attempt, body: JsonObject): Promise<void> {
  switch (given.operation) {
    case 'chat':
    case 'completions':
      return answerText(run, node, body, given.value, heard);
    case 'embeddings':
      return answerEmbeddings(run, node, body, given.value);
    case 'speech':
      return answerSpeech(run, node, given.value, heard);
    default:
      return answerForwarded(run, node, body, given);
  }
}

/** The body, if it is what the token was made for. */
function checkJob(job: Job): Result<JsonObject> {
  if (!job.body.ok) return job.body;
  if (!isJsonObject(job.body.value)) return err('invalid_request', 'The body must be a JSON object.');
  if (job.operation !== job.claims.operation) return err('invalid_api_key', 'The job token is for another operation.');
  if (job.body.value['model'] !== job.claims.model) {
    return err('invalid_request', 'The model is not the one of the job token.', { param: 'model' });
  }
  return prepareBody(job.body.value, job.claims);
}
