/** Keys and agents by the names that people gave them, where the reader may know these; else by their ids. */
import { useApi } from '../api/queries.ts';
import { audience } from '../audience.ts';

const query = { limit: 100 };

export function useNames(): (id: string) => string {
  const enabled = audience === 'tenant';
  const keys = useApi('GET /v1/keys', { query }, { enabled });
  const agents = useApi('GET /v1/agents', { query }, { enabled });
  const names = new Map([...(keys.data?.data ?? []), ...(agents.data?.data ?? [])].map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}
