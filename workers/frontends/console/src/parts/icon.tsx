/** The console's icons: strokes on a grid of 24, in the colour of the text beside them. */
const paths = {
  activity: 'M3 12h4l3-8 4 16 3-8h4',
  agent: 'M12 3v3M6 8h12a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zM9 12v2M15 12v2',
  approve: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4',
  audit: 'M7 3h8l4 4v14H7zM15 3v4h4M10 12h6M10 16h6',
  brush: 'M4 20c3 0 5-1 5-4a2.500 2.500 0 0 0-5 0c0 2 0 3-1 4zM9 14L19 4l2 2-9 10',
  building: 'M4 21V5l8-2v18M12 8l8 2v11M4 21h17M8 8v0M8 12v0M8 16v0M16 13v0M16 17v0',
  chat: 'M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-8l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z',
  check: 'M5 12l5 5L19 7',
  chip: 'M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2',
  coins: 'M12 3v18M16 7H10a3 3 0 0 0 0 5h4a3 3 0 0 1 0 5H7',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  globe: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  home: 'M4 11l8-7 8 7v9h-5v-6H9v6H4z',
  hook: 'M12 3v9M8 8l4 4 4-4M4 14v4a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-4',
  invoice: 'M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6',
  key: 'M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l9-9M16 7l3 3',
  layers: 'M12 3l9 5-9 5-9-5zM3 12l9 5 9-5M3 16l9 5 9-5',
  lock: 'M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3',
  logout: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  memory: 'M12 4c4 0 8 1 8 3s-4 3-8 3-8-1-8-3 4-3 8-3zM4 7v10c0 2 4 3 8 3s8-1 8-3V7M4 12c0 2 4 3 8 3s8-1 8-3',
  moon: 'M20 14a8 8 0 1 1-10-10 7 7 0 0 0 10 10z',
  people: 'M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 20c0-4 3-6 6-6s6 2 6 6M16 11a3 3 0 0 0 0-6M18 14c2 1 3 3 3 6',
  play: 'M7 4l13 8-13 8z',
  plus: 'M12 5v14M5 12h14',
  pulse: 'M4 12a8 8 0 0 1 16 0M8 12a4 4 0 0 1 8 0M12 12v8',
  server: 'M4 4h16v6H4zM4 14h16v6H4zM8 7v0M8 17v0',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1 1M18 18l1 1M5 19l1-1M18 6l1-1',
  tag: 'M4 4h8l8 8-8 8-8-8zM8 8v0',
  tasks: 'M4 6l2 2 3-3M4 16l2 2 3-3M12 7h8M12 17h8',
  tool: 'M14 6a4 4 0 0 1 5-2l-3 3 1 1 3-3a4 4 0 0 1-5 5L8 18a2 2 0 0 1-3-3l7-7a4 4 0 0 1 2-2z',
  webhook: 'M8 17a3 3 0 1 1-3-4l4-7a3 3 0 1 1 5 1l4 6a3 3 0 1 1-1 6H8',
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={paths[name]} />
    </svg>
  );
}
