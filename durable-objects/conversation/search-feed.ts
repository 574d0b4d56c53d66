/**
 * Tells the tenant's index of conversations what has become of this one: in order, at least once, never more than what
 * is here now. What the index did not take stays noted, and is told again.
 */
import type { Result } from '../../shared/core/result.ts';
import type { ConversationReport, IndexedItem, Item } from '../../shared/contracts/conversations.ts';
import { toConversation, type ConversationStore } from './conversation-store.ts';

const BatchSize = 50;
/** Of one item; what is said further on is not found. */
export const MaxIndexedChars = 16_000;

export class SearchFeed {
  readonly #store: ConversationStore;
  readonly #report: (report: ConversationReport) => Promise<Result<unknown>>;
  #feeding: Promise<void> | undefined;

  constructor(store: ConversationStore, report: (report: ConversationReport) => Promise<Result<unknown>>) {
    this.#store = store;
    this.#report = report;
  }

  get isEmpty(): boolean {
    return this.#store.unindexed(1).length === 0;
  }

  /** Until nothing is left, or the index does not take it. */
  async feed(): Promise<void> {
    while (this.#feeding) await this.#feeding;
    this.#feeding = this.#feedAll();
    try {
      await this.#feeding;
    } finally {
      this.#feeding = undefined;
    }
  }

  async #feedAll(): Promise<void> {
    for (;;) {
      const noted = this.#store.unindexed(BatchSize);
      const head = this.#store.head();
      if (!head || noted.length === 0) return;
      const ids = new Set(noted.flatMap(({ item_id: id }) => id ?? []));
      const reported = await this.#report({
        id: head.id,
        metadata: toConversation(head).metadata,
        answeredBy: this.#store.lastAgent(),
        items: [...ids].map((id): IndexedItem => ({ id, text: textOf(this.#store.findItem(id)) })),
      });
      if (!reported.ok) return;
      this.#store.forgetUnindexed(noted.at(-1)!.position);
    }
  }
}

/** What a person would look for: what was said. */
export function textOf(item: Item | undefined): string | null {
  if (item?.type !== 'message') return null;
  const text = item.content
    .map((part) => ('text' in part && typeof part.text === 'string' ? part.text : ''))
    .join('\n');
  return text.trim() === '' ? null : text.slice(0, MaxIndexedChars);
}
