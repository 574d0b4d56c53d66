/** The lanes of tasks, in the order in which they are served. */
export const laneOptions = [
  { value: 'interactive', label: 'Interactive: somebody waits' },
  { value: 'standard', label: 'Standard' },
  { value: 'batch', label: 'Batch: may wait for a quiet hour' },
] as const;
