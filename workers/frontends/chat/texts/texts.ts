/** All that the element says of its own, in every language that it speaks. A text that one lacks does not compile. */
import { ar } from './ar.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { ja } from './ja.ts';
import type { Locale } from './locales.ts';

export type Texts = {
  readonly direction: 'ltr' | 'rtl';
  readonly chat: string;
  readonly conversation: string;
  readonly newConversation: string;
  readonly open: string;
  readonly close: string;
  readonly message: string;
  readonly writeMessage: string;
  readonly placeholder: string;
  readonly send: string;
  readonly stop: string;
  readonly hint: string;
  readonly skip: string;
  readonly you: string;
  readonly agent: string;
  readonly answering: (name: string) => string;
  readonly emptyTitle: (name: string) => string;
  readonly emptyText: string;
  readonly connecting: string;
  readonly reconnecting: string;
  readonly stopping: string;
  readonly retry: string;
  readonly notComplete: string;
  readonly noReply: string;
  readonly nothingSaid: string;
  readonly cannotAct: string;
  readonly stopped: string;
  readonly stoppedBefore: string;
  readonly brokeOff: string;
  readonly noAnswer: string;
  readonly cutByFilter: string;
  readonly cutByLength: string;
  readonly cutByLimit: string;
  readonly perhapsComing: string;
  readonly notStopped: string;
  readonly forgotten: string;
  readonly fresh: string;
  readonly back: string;
  readonly sources: (count: number) => string;
  readonly source: (number: number) => string;
  readonly copy: string;
  readonly copied: string;
  readonly copyFailed: string;
  readonly callRunning: (name: string) => string;
  readonly callDone: (name: string) => string;
  readonly callFailed: (name: string) => string;
  readonly callForPage: (name: string) => string;
  readonly approval: (name: string) => string;
  readonly approvalText: string;
  readonly approvalOver: (name: string) => string;
  readonly wouldBeDone: string;
  readonly input: string;
  readonly result: string;
  readonly attach: string;
  readonly picture: string;
  readonly remove: (name: string) => string;
  readonly toNewest: string;
  readonly poweredBy: string;
  readonly files: Readonly<Record<'image' | 'binary' | 'size' | 'count', (name: string) => string>>;
  /** By the platform's error code; one that is not here is told in the platform's words. */
  readonly errors: Readonly<
    Record<
      | 'offline'
      | 'unreachable'
      | 'lost'
      | 'unexpected'
      | 'invalid_api_key'
      | 'permission_denied'
      | 'tenant_suspended'
      | 'tenant_stopped'
      | 'rate_limit_exceeded'
      | 'insufficient_quota'
      | 'context_length_exceeded'
      | 'node_unavailable'
      | 'upstream_cut'
      | 'unknown_host',
      string
    >
  >;
};

export const catalogues: Readonly<Record<Locale, Texts>> = { en, de, fr, es, ar, ja };
