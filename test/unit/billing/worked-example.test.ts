/** The worked example of docs/billing.md is what the code computes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../../../scripts/platform.ts';
import { formatUsd } from '../../../shared/billing/invoice-text.ts';
import { BillingWorld } from '../../support/billing-world.ts';

test('the table of the worked example says what an invoice of the same says', async () => {
  const world = new BillingWorld(Date.UTC(2026, 10, 10));
  world.setPlan({ platform_fee_micros: 10_000_000, included: { tool_calls: 1_000 } });
  world.setTerms({ markup_bps: 1_000, tax_bps: 1_900, tax_label: 'VAT' });
  const tiers = [{ from: 500, to: null, unit_price_micros: 800 }];
  world.setRate({ sku: 'tool_calls', unit_price_micros: 1_000, tiers });
  world.billing.grantCredit({ amount_micros: 5_000_000, reference: 'c', reason: 'r' }, world.now);
  await world.settle([world.receipt({ input: 1_500_000, output: 250_000 })]);
  world.billing.meter([{ id: 'calls', sku: 'tool_calls', quantity: 1_700, occurredAt: world.now }], world.now);
  world.now = Date.UTC(2026, 11, 4);
  const invoice = world.close('2026-11');
  const rows = invoice.lines.map((line) => {
    const what = 'label' in line ? line.label : line.sku;
    return `| ${line.kind} | ${what} | ${formatUsd(line.amount_micros)} |`;
  });
  const page = readFileSync(join(repositoryRoot, 'docs/billing.md'), 'utf8');
  const example = page.slice(page.indexOf('## A worked example'), page.indexOf('## Checking an invoice'));
  const table = example.split('\n').filter((line) => /^\| [a-z_]+ \|.*\d/.test(line));
  expect(table).toEqual([...rows, `| total | Total | ${formatUsd(invoice.total_micros)} |`]);
});
