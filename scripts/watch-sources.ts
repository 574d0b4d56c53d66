/** Tells what a change in the sources concerns. Changes that come together are told once, and never while one is handled. */
import { watch } from 'node:fs';
import { join } from 'node:path';

export type Changed = { readonly edge: boolean; readonly bridge: boolean };

const SettleMs = 100;
const folders = {
  workers: ['edge'],
  'durable-objects': ['edge'],
  shared: ['edge', 'bridge'],
  'gpu-bridge': ['bridge'],
} as const;

export function watchSources(root: string, onChange: (changed: Changed) => Promise<void>): void {
  const pending = new Set<'edge' | 'bridge'>();
  let timer: NodeJS.Timeout | undefined;
  let handling = false;
  const settle = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (handling || pending.size === 0) return;
      handling = true;
      const changed = { edge: pending.has('edge'), bridge: pending.has('bridge') };
      pending.clear();
      await onChange(changed);
      handling = false;
      if (pending.size > 0) settle();
    }, SettleMs);
  };
  for (const [folder, parts] of Object.entries(folders)) {
    watch(join(root, folder), { recursive: true }, () => {
      for (const part of parts) pending.add(part);
      settle();
    });
  }
}
