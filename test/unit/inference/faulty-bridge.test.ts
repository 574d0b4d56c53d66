/**
 * Runs while the call to the bridge fails at every nth: nothing is an answer that is not whole, what may never get
 * a receipt is noted as lost, and no answer repeats what the failure said.
 */
import { expect, test } from 'vitest';
import { formatSpeech, SpeechDone } from '../../../shared/contracts/audio.ts';
import { embedByModel } from '../../../shared/inference/embed-by-model.ts';
import { callBridge, type BridgeFetch } from '../../../shared/inference/inference-client.ts';
import type { Failure } from '../../../shared/core/failure.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { Lease } from '../../../shared/contracts/admission.ts';
import type { RequestContext } from '../../../workers/edge/request-context.ts';
import { problemResponse } from '../../../workers/http/problem-response.ts';
import { collectSpeech } from '../../../workers/routes/inference/collect-speech.ts';
import { internals } from '../../support/faults.ts';
import { caller, embeddings, waysTo } from '../../support/node-ways.ts';

const Said = 'D1_ERROR: connect ECONNREFUSED at /var/lib/bridge.ts:12, SELECT';
const vectors = embeddings('[1,0]', '[0,1]');
const speech = formatSpeech(Buffer.from('one')) + formatSpeech(Buffer.from('two')) + SpeechDone;

/** The answer up to a place in its middle, then a broken connection, or an end as if it were whole. */
function half(text: string, at: number, breaks: boolean): Response {
  const parts = [new TextEncoder().encode(text.slice(0, 1 + (at % (text.length - 1))))];
  return new Response(
    new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part) controller.enqueue(part);
        else if (breaks) controller.error(new Error(Said));
        else controller.close();
      },
    }),
  );
}

const kinds: Readonly<Record<string, (answer: string, nth: number) => Promise<Response>>> = {
  throws: async () => {
    throw new Error(Said);
  },
  'breaks off in the middle': async (answer, nth) => half(answer, nth * 7, true),
  'ends in the middle': async (answer, nth) => half(answer, nth * 7, false),
  'comes late': async (answer) => {
    await new Promise(setImmediate);
    return new Response(answer);
  },
  'answers with a page': async () => new Response(`<html>${Said}</html>`),
  'says what went wrong': async () => Response.json({ error: Said }, { status: 500 }),
};

async function requireDiscreet(failure: Failure): Promise<void> {
  const context = { request: new Request('http://a/'), event: {}, requestId: 'req_1' } as unknown as RequestContext;
  for (const surface of ['openai', 'native'] as const) {
    const answer = problemResponse(context, failure, surface);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(await answer.text()).not.toMatch(internals);
  }
}

test.each(Object.keys(kinds))(
  'at every nth call the bridge %s: nothing but whole answers, and nothing said of it',
  async (kind) => {
    for (let nth = 1; nth <= 200; nth++) {
      let calls = 0;
      let struck = 0;
      const fetchOf =
        (answer: string): BridgeFetch =>
        async () => {
          if (++calls % nth > 0) return new Response(answer);
          struck++;
          return kinds[kind]!(answer, nth);
        };
      const lost: string[] = [];
      const { ways } = waysTo('', {
        bridgeFetch: () => fetchOf(vectors),
        admit: async () => ok({ id: 'lse_1' } as unknown as Lease),
        noteLost: (run) => lost.push(run),
      });
      for (let asked = 1; struck === 0 || asked <= 3; asked++) {
        const before = { struck, lost: lost.length };
        const embedded = await embedByModel(ways, caller, 'org/embed', ['a', 'b']);
        if (embedded.ok)
          expect(embedded.value.vectors.map((each) => [...each])).toEqual([
            [1, 0],
            [0, 1],
          ]);
        else await requireDiscreet(embedded.failure);
        expect(embedded.ok).toBe(struck === before.struck || kind === 'comes late');
        expect(lost.length - before.lost).toBe(struck > before.struck && kind === 'throws' ? 1 : 0);
        const spoken = await speak(fetchOf(speech));
        if (spoken.ok) expect(spoken.value).toBe('onetwo');
        else await requireDiscreet(spoken.failure);
      }
    }
  },
);

async function speak(fetch: BridgeFetch): Promise<Result<string>> {
  const request = { operation: 'speech', jobToken: 't', body: '{}', requestId: 'r', traceparent: 'p' } as const;
  const answer = await callBridge({ ...request, fetch });
  if (!answer.ok) return answer;
  const collected = await collectSpeech(answer.value, 'audio/mpeg');
  if (!collected.ok) return collected;
  return collected.value.kind === 'raw' ? ok(await collected.value.response.text()) : err('internal_error');
}
