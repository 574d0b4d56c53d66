/** The capacity page says what the script computes, and the script computes what the price pages' own example says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { computeCosts, computeUsage, loads, toMarkdown } from '../../../scripts/capacity.ts';
import { repositoryRoot } from '../../../scripts/platform.ts';

const cells = (text: string) => text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));

describe('capacity', () => {
  test('the tables of docs/capacity.md are what the script computes', () => {
    const page = readFileSync(join(repositoryRoot, 'docs/capacity.md'), 'utf8');
    const rows = cells(page).map((row) => row.join('|'));
    for (const row of cells(toMarkdown()).filter((each) => !each.join('').includes('---')))
      expect(rows).toContain(row.join('|'));
  });

  test('what the plan includes costs nothing, and only what is beyond is counted', () => {
    const none = { ...computeUsage(loads[0]!), workerRequests: 10e6, objectRequests: 1e6, rowsWritten: 50e6 };
    expect(computeCosts(none)).toMatchObject({ workerRequests: 0, objectRequests: 0, rowsWritten: 0 });
    // The examples of the price pages: 15 million requests, and 552,960 GB-s.
    const usage = { ...none, workerRequests: 15e6, objectGbSeconds: 552_960, objectRequests: 2e6 };
    const costs = computeCosts(usage);
    expect(costs.workerRequests).toBeCloseTo(1.5);
    expect(costs.objectGbSeconds).toBeCloseTo(1.91);
    expect(costs.objectRequests).toBeCloseTo(0.15);
    expect(costs.total).toBeGreaterThan(5 + 1.5 + 1.91 + 0.15 - 0.01);
  });

  test('grows with tasks and with the length of turns, and hardly with agents', () => {
    const load = loads[1]!;
    const total = (change: object) => computeCosts(computeUsage({ ...load, ...change })).total;
    expect(total({ tasksPerDay: load.tasksPerDay * 2 })).toBeGreaterThan(1.8 * total({}));
    expect(total({ turnSeconds: load.turnSeconds * 2 })).toBeGreaterThan(1.2 * total({}));
    expect(total({ agents: load.agents * 2 })).toBeLessThan(1.01 * total({}));
  });
});
