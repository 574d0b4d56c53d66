/**
 * Everything a turn needs to begin, and to begin again in another isolate: plain data, stored with the response.
 */
import type { AgentId, ConversationId, ResponseId, TenantId } from '../core/ids.ts';
import type { Principal } from '../core/principal.ts';
import type { ChatMessage } from './chat-completions.ts';
import type { Conversation, InputItem, Item } from './conversations.ts';
import type { LiveAgent } from './admission.ts';
import type { Response } from './responses.ts';
import type { Lane } from './tasks.ts';

export type TurnInput =
  | { readonly kind: 'items'; readonly input: string | readonly InputItem[] }
  /** A chat completion brings its whole history and leaves none. */
  | { readonly kind: 'messages'; readonly messages: readonly ChatMessage[] };

/** Of one turn, and of what it asks other agents to do. */
export type TurnLimits = {
  readonly maxSteps: number;
  readonly maxToolCalls: number;
  readonly maxTokens: number | null;
  readonly maxCostMicros: number | null;
  readonly approvalMs: number;
};

export type TurnStart = {
  readonly tenantId: TenantId;
  readonly conversationId: ConversationId;
  readonly responseId: ResponseId;
  readonly principal: Principal;
  readonly agent: LiveAgent | null;
  /** The model to ask: an id, or the alias `default`. */
  readonly model: string;
  readonly input: TurnInput;
  /** `thread`: reads and extends the conversation's items. `previous`: reads that response's past. */
  readonly context:
    | { readonly kind: 'none' }
    | { readonly kind: 'thread' }
    | { readonly kind: 'previous'; readonly id: ResponseId };
  /** Members of the chat request that pass to the model as they are: tools, temperature, … */
  readonly sampling: Readonly<Record<string, unknown>>;
  readonly maxOutputTokens: number;
  readonly recallLimit: number;
  readonly timeoutMs: number;
  /** Absent in a turn that began before turns had limits of their own. */
  readonly limits?: TurnLimits;
  /** The agents that asked one another down to this turn, the first one first. */
  readonly askedBy?: readonly AgentId[];
  readonly allowExternal: boolean;
  /** What is shown of it cannot be taken back: its client reads a chat completion's stream, which has no items. */
  readonly isIrrevocable?: boolean;
  /** Whose turn it is at a node; absent: somebody waits for the answer. */
  readonly lane?: Lane;
  /** What the response object starts as. */
  readonly response: Response;
  readonly requestId: string;
  readonly traceparent: string;
};

export type NewConversation = {
  readonly id: ConversationId;
  readonly agentId: AgentId | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly items: readonly InputItem[];
  /** Items of the conversation that this one branches from: they keep their ids. */
  readonly past?: readonly Item[];
};

export type Branch = Pick<NewConversation, 'agentId' | 'metadata'> & { readonly past: readonly Item[] };
export type Match = { readonly conversation: Conversation; readonly text: string };

export type EndedTurn = { readonly response: Response; readonly costMicros: number; readonly toolCalls: number };
