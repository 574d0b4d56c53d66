/** What stands for a memory that was found: what consolidation has put it together in, and nothing else. */
import { describe, expect, test } from 'vitest';
import { ConsolidationSource } from '../../../shared/contracts/memories.ts';
import { mintId } from '../../../shared/core/ids.ts';
import type { MemoryRecord } from '../../../shared/store/memory-chain.ts';
import { findStanding } from '../../../shared/store/recall-ranking.ts';
import { memoryChain } from '../../support/memory-factory.ts';

const [template] = memoryChain(mintId('tenant', 0), mintId('agent', 0), [{}]);
const memory = (id: string, partial: Partial<MemoryRecord> = {}): MemoryRecord => ({ ...template!, id, ...partial });
const closed = (by: string, at: number) => ({ closedBy: by, closedAt: at });
const made = (sources: string[]) => ({ sourceType: ConsolidationSource, sources }) as const;

function standing(at: number, ...rows: readonly MemoryRecord[]): string | undefined {
  return findStanding(rows[0]!, new Map(rows.map((row) => [row.id, row])), at)?.id;
}

describe('what stands for a memory', () => {
  test('is the memory while it is open, and from its closing on what it was put together in', () => {
    const rows = [memory('a', closed('s', 10)), memory('s', made(['a', 'b']))];
    expect([9, 10, 11].map((at) => standing(at, ...rows))).toEqual(['a', 's', 's']);
  });

  test('is a summary of a summary', () => {
    const rows = [
      memory('a', closed('s', 10)),
      memory('s', { ...made(['a']), ...closed('t', 20) }),
      memory('t', made(['s'])),
    ];
    expect([15, 25].map((at) => standing(at, ...rows))).toEqual(['s', 't']);
  });

  test.each([
    ['a correction', memory('s', { supersedes: 'a' })],
    ['a consolidation of others', memory('s', made(['b']))],
    ['what is not there', memory('other')],
  ])('is not %s', (_, closer) => {
    expect(standing(10, memory('a', closed('s', 10)), closer)).toBeUndefined();
  });

  test('is nothing where rows close each other', () => {
    const rows = [
      memory('a', { ...made(['s']), ...closed('s', 1) }),
      memory('s', { ...made(['a']), ...closed('a', 1) }),
    ];
    expect(standing(10, ...rows)).toBeUndefined();
  });
});
