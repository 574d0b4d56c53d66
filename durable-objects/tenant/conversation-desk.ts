/** The desk of a tenant's conversations: which there are, and which items hold given words. */
import { RpcTarget } from 'cloudflare:workers';
import type { ConversationId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { formatMatchAll, parseTerms } from '../../shared/core/search-terms.ts';
import type {
  ConversationFilter,
  ConversationReport,
  ConversationsQuery,
  SearchQuery,
} from '../../shared/contracts/conversations.ts';
import type { ConversationIndex, FoundItem, IndexedConversation, ListedQuery } from './conversation-index.ts';

export type ConversationDeskDeps = {
  readonly index: ConversationIndex;
  readonly transact: <T>(work: () => T) => T;
  /** Its id, however it is referred to. */
  readonly findAgent: (ref: string) => string | undefined;
  /** In the transaction that removes it. */
  readonly deleted: (conversation: IndexedConversation, traceparent: string | undefined) => void;
};

export class ConversationDesk extends RpcTarget {
  readonly #deps: ConversationDeskDeps;

  constructor(deps: ConversationDeskDeps) {
    super();
    this.#deps = deps;
  }

  /** One more than was asked for, where there is one. */
  list(principal: Principal, query: ConversationsQuery): Result<IndexedConversation[]> {
    const filter = this.#read(query);
    if (!filter.ok) return filter;
    return ok(this.#deps.index.list(principal, { ...filter.value, limit: query.limit + 1, cursor: query.cursor }));
  }

  search(principal: Principal, query: SearchQuery): Result<FoundItem[]> {
    const filter = this.#read(query);
    if (!filter.ok) return filter;
    const { cursor } = query;
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
      return err('invalid_request', '"cursor" is none of a search.', { param: 'cursor' });
    const terms = parseTerms(query.q);
    if (terms.length === 0) return ok([]);
    const page = { ...filter.value, limit: query.limit + 1, cursor };
    return ok(this.#deps.index.search(principal, page, formatMatchAll(terms)));
  }

  report(report: ConversationReport): void {
    this.#deps.transact(() => this.#deps.index.put(report));
  }

  /** `traceparent`: of the request that asked for it; none where it was due. */
  remove(id: ConversationId, traceparent?: string): void {
    this.#deps.transact(() => {
      const removed = this.#deps.index.remove(id);
      if (removed?.listed) this.#deps.deleted(removed, traceparent);
    });
  }

  #read(filter: ConversationFilter): Result<Omit<ListedQuery, 'limit' | 'cursor'>> {
    const { agent, visitor, metadata, created_after: after, created_before: before } = filter;
    const agentId = agent === undefined ? undefined : this.#deps.findAgent(agent);
    if (agent !== undefined && agentId === undefined)
      return err('not_found', 'There is no such agent.', { param: 'agent' });
    const colon = metadata?.indexOf(':') ?? 0;
    return ok({
      agentId,
      visitor,
      pair: metadata === undefined ? undefined : [metadata.slice(0, colon), metadata.slice(colon + 1)],
      createdAfter: after === undefined ? undefined : Date.parse(after),
      createdBefore: before === undefined ? undefined : Date.parse(before),
    });
  }
}
