/** A conversation of the playground: each turn is a stored response that is streamed, with the times at which events came. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Item, MessageItem } from '../../../../../../shared/contracts/conversations.ts';
import type { SequencedResponseEvent } from '../../../../../../shared/contracts/responses.ts';
import { call, send } from '../../api/client.ts';
import { readSse } from '../../api/event-stream.ts';
import { applyToThread, applyToTurn, freshTurn, type Turn } from './turn-events.ts';

/** `model`: an agent, or one version of it. */
export function usePlaygroundTurn(model: string) {
  const [thread, setThread] = useState<readonly Item[]>([]);
  const [turn, setTurn] = useState<Turn>();
  const conversation = useRef<string>(undefined);
  const abort = useRef<AbortController>(undefined);
  const running = useRef<string>(undefined);
  const client = useQueryClient();
  useEffect(() => () => abort.current?.abort(), []);

  const say = async (text: string): Promise<void> => {
    const own = new AbortController();
    abort.current = own;
    running.current = undefined;
    const beganAt = performance.now();
    const since = () => performance.now() - beganAt;
    setTurn(freshTurn);
    setThread((items) => [...items, userMessage(text)]);
    try {
      conversation.current ??= (
        await call('POST /v1/conversations', { body: { metadata: { from: 'playground' } } })
      ).id;
      const body = { model, input: text, stream: true, conversation: conversation.current };
      const answer = await send('POST /v1/responses', { body, signal: own.signal }, { accept: 'text/event-stream' });
      for await (const { data } of readSse(answer)) {
        const event = data as SequencedResponseEvent;
        const atMs = since();
        setTurn((held = freshTurn) => applyToTurn(held, event, atMs));
        setThread((items) => applyToThread(items, event));
        if ('response' in event) running.current = event.response.id;
      }
    } catch (error) {
      if (!own.signal.aborted)
        setTurn((held = freshTurn) => ({ ...held, fault: error instanceof Error ? error.message : String(error) }));
    }
    if (own.signal.aborted) return;
    setTurn((held = freshTurn) => ({ ...held, status: 'ended', totalMs: since() }));
    await client.invalidateQueries({ queryKey: ['GET /v1/conversations'] });
  };

  return {
    thread,
    turn,
    say,
    /** The platform is told to stop; the stream then ends by itself. */
    stop: () => {
      const response = running.current;
      if (response !== undefined)
        void call('POST /v1/responses/{response}/cancel', { params: { response } }).catch(() => {});
    },
    restart: () => {
      abort.current?.abort();
      conversation.current = undefined;
      setThread([]);
      setTurn(undefined);
    },
  };
}

function userMessage(text: string): MessageItem {
  return {
    id: `said-${crypto.randomUUID()}`,
    type: 'message',
    status: 'completed',
    role: 'user',
    content: [{ type: 'input_text', text }],
  };
}
