/**
 * How the codes of some rows lie in memory, and in a page in SQLite just the same: columns one after another.
 * Codes come four rows side by side: block b of row r is at (r - r % 4) * stride + b * 64 + (r % 4) * 16.
 * `scale` is what a code's unit is worth, `bias` is added to a score, namespace 0 marks a dead row.
 */
export const BlockDimensions = 32;
const BlockBytes = 16;
/** Rows that lie side by side. */
const Abreast = 4;
/** scale, bias, namespace, kind, rid: 4 bytes each; time: 8. */
const ColumnBytes = 5 * 4 + 8;

/** The most bytes of a page: a blob well below what a row may hold. */
export const MaxPageBytes = 1024 * 1024;
const MaxPageRows = 5120;

export type CodeLayout = {
  readonly capacity: number;
  /** Bytes of a row's codes. */
  readonly stride: number;
  readonly scales: number;
  readonly biases: number;
  readonly namespaces: number;
  readonly kinds: number;
  readonly rids: number;
  readonly times: number;
  readonly bytes: number;
};

/** Dimensions, filled up with zeros to whole blocks. */
export function computePaddedDimensions(dimensions: number): number {
  return Math.ceil(dimensions / BlockDimensions) * BlockDimensions;
}

export function computeLayout(dimensions: number, rows: number): CodeLayout {
  const stride = computePaddedDimensions(dimensions) / 2;
  const capacity = Math.ceil(rows / Abreast) * Abreast;
  const scales = capacity * stride;
  const column = capacity * 4;
  return {
    capacity,
    stride,
    scales,
    biases: scales + column,
    namespaces: scales + 2 * column,
    kinds: scales + 3 * column,
    rids: scales + 4 * column,
    times: scales + 5 * column,
    bytes: capacity * computeRowBytes(dimensions),
  };
}

export function computeRowBytes(dimensions: number): number {
  return computePaddedDimensions(dimensions) / 2 + ColumnBytes;
}

/** How many rows fit into so many bytes. */
export function computeCapacity(dimensions: number, bytes: number): number {
  return Math.floor(bytes / computeRowBytes(dimensions) / Abreast) * Abreast;
}

/** Rows of a full page. */
export function computePageRows(dimensions: number): number {
  return Math.min(MaxPageRows, computeCapacity(dimensions, MaxPageBytes));
}

/** Where the codes of a row start, relative to the layout's; its blocks follow 64 bytes apart. */
export function locateCodes(layout: CodeLayout, row: number): number {
  return (row - (row % Abreast)) * layout.stride + (row % Abreast) * BlockBytes;
}

/** Copies a row, all its columns. */
export function copyRow(
  source: Uint8Array,
  from: CodeLayout,
  sourceRow: number,
  target: Uint8Array,
  to: CodeLayout,
  targetRow: number,
): void {
  const start = locateCodes(from, sourceRow);
  const end = locateCodes(to, targetRow);
  for (let block = 0; block < from.stride * Abreast; block += BlockBytes * Abreast) {
    for (let byte = 0; byte < BlockBytes; byte++) target[end + block + byte] = source[start + block + byte]!;
  }
  for (const [column, size] of columns) {
    const at = from[column] + sourceRow * size;
    target.set(source.subarray(at, at + size), to[column] + targetRow * size);
  }
}

const columns = [
  ['scales', 4],
  ['biases', 4],
  ['namespaces', 4],
  ['kinds', 4],
  ['rids', 4],
  ['times', 8],
] as const;
