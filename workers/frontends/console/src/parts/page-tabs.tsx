/** The parts of a page, one of them open at a time; which one stands in the address beside whatever else does. */
import { Tabs } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

export type PageTab = { readonly value: string; readonly label: string; readonly content: ReactNode };

/** The first is open where the address names none. */
export function PageTabs({ tabs }: { readonly tabs: readonly [PageTab, ...PageTab[]] }) {
  const { tab = tabs[0].value } = useSearch({ from: '__root__' });
  const navigate = useNavigate();
  return (
    <Tabs
      value={tab}
      onChange={(next) => {
        if (next !== null) void navigate({ to: '.', search: (search) => ({ ...search, tab: next }) });
      }}
      keepMounted={false}
    >
      <Tabs.List mb="md">
        {tabs.map(({ value, label }) => (
          <Tabs.Tab key={value} value={value}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(({ value, content }) => (
        <Tabs.Panel key={value} value={value}>
          {content}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
