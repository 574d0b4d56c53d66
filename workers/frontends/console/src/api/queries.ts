/** What the pages read and change: an operation is a query's key, so that a change can say which readings are old. */
import {
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from '@tanstack/react-query';
import { ApiError } from './api-error.ts';
import { call, type CallInput, type Query } from './client.ts';
import type { AnswerOf, ItemOf, ListOperation, Operation, ParamsOf } from './operations.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused stays refused; what could not be reached is asked for again.
      retry: (failures, error) =>
        failures < 2 && (!(error instanceof ApiError) || error.status >= 500 || error.status === 0),
    },
  },
});

type Reading<K extends Operation> = { readonly query?: Query } & ParamsOf<K>;
type Options = { readonly refetchInterval?: number; readonly enabled?: boolean };
type Args<K extends Operation> =
  object extends Reading<K> ? [input?: Reading<K>, options?: Options] : [input: Reading<K>, options?: Options];

export function useApi<K extends Operation>(
  operation: K,
  ...[input, options]: Args<K>
): UseQueryResult<AnswerOf<K>, Error> {
  return useQuery<AnswerOf<K>, Error>({
    queryKey: [operation, input ?? {}],
    queryFn: ({ signal }) => (call as Call)(operation, { ...input, signal }) as Promise<AnswerOf<K>>,
    ...options,
  });
}

type Call = (operation: Operation, input: object) => Promise<unknown>;
type Page<T> = { readonly data: readonly T[]; readonly next_cursor: string | null };

/** A list, page after page. */
export function useApiList<K extends ListOperation>(operation: K, ...[input, options]: Args<K>) {
  const result = useInfiniteQuery({
    queryKey: [operation, input ?? {}],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...input?.query, ...(pageParam !== '' && { cursor: pageParam }) };
      return (call as Call)(operation, { ...input, query, signal }) as Promise<Page<ItemOf<K>>>;
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    ...options,
  });
  return {
    rows: result.data?.pages.flatMap(({ data }) => data),
    error: result.error,
    refetch: result.refetch,
    more: result.hasNextPage ? () => void result.fetchNextPage() : undefined,
    isLoadingMore: result.isFetchingNextPage,
  };
}

/** Changes something; the readings whose operations begin with one of `stale` are then read anew. */
export function useChange<K extends Operation>(operation: K, stale: readonly string[]) {
  const client = useQueryClient();
  return useMutation<AnswerOf<K>, Error, CallInput<K>>({
    mutationFn: (input) => (call as Call)(operation, input) as Promise<AnswerOf<K>>,
    onSuccess: () =>
      client.invalidateQueries({
        predicate: ({ queryKey: [key] }) =>
          typeof key === 'string' && stale.some((each) => key.startsWith(`GET ${each}`)),
      }),
  });
}
