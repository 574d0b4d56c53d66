/** Contrast of two colours (WCAG 2.2, "relative luminance" and "contrast ratio"). */

export type Rgb = readonly [number, number, number];

/** `#rrggbb` to its three parts, 0 to 255. */
export function parseColor(text: string): Rgb | undefined {
  const hex = /^#([0-9a-f]{6})$/i.exec(text)?.[1];
  if (hex === undefined) return undefined;
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

/** From 1 (the same) to 21 (black on white). */
export function computeContrast(one: Rgb, other: Rgb): number {
  const [light, dark] = [computeLuminance(one), computeLuminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function computeLuminance([red, green, blue]: Rgb): number {
  const linear = (part: number) => {
    const share = part / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}
