/**
 * Events as they happen: server-sent events read by `fetch`, because an EventSource cannot carry a credential. A stream
 * that breaks is taken up again after the last event that came.
 */
import { useEffect, useEffectEvent, useState } from 'react';
import type { PlatformEvent } from '../../../../../shared/contracts/events.ts';
import { SseParser } from '../../../../../shared/core/sse.ts';
import { ApiError } from './api-error.ts';
import { send, type Query } from './client.ts';
import { queryClient } from './queries.ts';

type StreamState = 'connecting' | 'live' | 'lost' | 'refused';
const RetryMs = [500, 1_000, 2_000, 5_000, 10_000];

export async function* readSse(answer: Response): AsyncGenerator<{ id?: string; data: unknown }> {
  const parser = new SseParser();
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const { id, data } of parser.push(value)) {
        if (data === '[DONE]') return;
        yield { ...(id !== undefined && { id }), data: JSON.parse(data) as unknown };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export function useEvents(query: Query, onEvent: (event: PlatformEvent) => void, enabled = true): StreamState {
  const [state, setState] = useState<StreamState>('connecting');
  const take = useEffectEvent(onEvent);
  const filter = JSON.stringify(query);
  useEffect(() => {
    if (!enabled) return;
    const abort = new AbortController();
    void follow(JSON.parse(filter) as Query, abort.signal, take, setState);
    return () => abort.abort();
  }, [filter, enabled]);
  return state;
}

async function follow(
  query: Query,
  signal: AbortSignal,
  take: (event: PlatformEvent) => void,
  setState: (state: StreamState) => void,
): Promise<void> {
  let last: string | undefined;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const headers = { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) };
      const answer = await send('GET /v1/events', { query, signal }, headers);
      setState('live');
      // What happened meanwhile is in the list, also where no event had come that one could go on from.
      if (failures > 0) void queryClient.invalidateQueries({ queryKey: ['GET /v1/events'] });
      for await (const { data } of readSse(answer)) {
        failures = 0;
        const event = data as PlatformEvent;
        last = event.id;
        take(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) {
        return setState('refused');
      }
    }
    setState('lost');
    const wait = RetryMs[Math.min(failures, RetryMs.length - 1)]!;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
