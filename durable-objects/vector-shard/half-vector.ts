/**
 * Vectors as they are stored: float16 times a power of two, chosen so that the largest value fills float16's range; 11
 * significant bits, whatever the size of the values. Rows of the first schema are float32 and have no exponent. Pure.
 */
export type StoredValues = { readonly v: ArrayBuffer; readonly exponent: number | null };

/** The largest magnitude lies in [2^14, 2^15), far from float16's end. */
const TopExponent = 14;

export function encodeHalf(values: Float32Array): StoredValues & { readonly exponent: number } {
  let largest = 0;
  for (let at = 0; at < values.length; at++) largest = Math.max(largest, Math.abs(values[at]!));
  const exponent = largest === 0 ? 0 : Math.floor(Math.log2(largest)) - TopExponent;
  const factor = 2 ** -exponent;
  const halves = new Float16Array(values.length);
  for (let at = 0; at < values.length; at++) halves[at] = values[at]! * factor;
  return { v: halves.buffer, exponent };
}

export function decodeValues({ v, exponent }: StoredValues): Float32Array<ArrayBuffer> {
  if (exponent === null) return new Float32Array(v);
  const values = new Float32Array(new Float16Array(v));
  const factor = 2 ** exponent;
  for (let at = 0; at < values.length; at++) values[at]! *= factor;
  return values;
}
