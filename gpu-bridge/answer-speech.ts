/**
 * Carries spoken audio to the caller as the node speaks it: each read of the node is one event, and the last event goes
 * out after the receipt is in the journal. What is no audio, is silent for too long or breaks off is a failure. How much
 * was spoken is not metered: the text was, when the node took it.
 */
import { formatSpeech, SpeechDone } from '../shared/contracts/audio.ts';
import { fail } from '../shared/core/failure.ts';
import type { JobRun } from './job-run.ts';
import { NodeError, type InferenceNode, type SpokenAnswer } from './nodes/node.ts';
import { streamHeaders } from './send-failure.ts';
import { SilenceWatch } from './silence-watch.ts';

export async function answerSpeech(
  run: JobRun,
  node: InferenceNode,
  { type, pieces }: SpokenAnswer,
  /** Called with every read of the node's audio. */
  heard: () => void,
): Promise<void> {
  if (!/^(?:audio\/|application\/octet-stream)/i.test(type)) throw invalid(`speech of type ${type}`);
  const { sink, stopped, deps } = run;
  let held = false;
  const watch = new SilenceWatch(
    deps.limits,
    () => held,
    (reason) => run.stop({ failure: fail('upstream_cut', undefined, { reason }), blamesNode: true }),
  );
  let spoken = false;
  try {
    for await (const bytes of pieces) {
      if (bytes.length === 0) continue;
      watch.heard();
      heard();
      sink.startStream({ ...streamHeaders(run.job.claims.jti), ...run.answerHeaders(node) });
      spoken = true;
      const event = formatSpeech(bytes);
      run.noteSaid(event);
      const waits = sink.write(event);
      if (waits) {
        held = true;
        await waits;
        held = false;
      }
    }
  } finally {
    watch.end();
  }
  if (stopped.aborted) throw new NodeError('cut', fail('upstream_cut'));
  if (!spoken) throw invalid('the speech is empty');
  run.meter.markWhole();
  run.noteSaid(SpeechDone);
  await run.settle('completed');
  void sink.write(SpeechDone);
  sink.end();
}

function invalid(reason: string): NodeError {
  return new NodeError('invalid', fail('upstream_invalid', undefined, { reason }));
}
