/** Vectors between the wire and the store. */
import type { ShardVector } from '../../shared/store/embedded-vector-index.ts';
import type { VectorRecord } from '../../shared/store/vector-index.ts';
import type { NewVector, StoredVector } from './vector-shard-store.ts';

export function toNewVector({ id, values, namespace, metadata, text }: ShardVector): NewVector {
  const floats = values instanceof Float32Array ? (values as Float32Array<ArrayBuffer>) : Float32Array.from(values);
  return { id, values: floats, namespace: namespace ?? '', metadata, text };
}

export function toRecord({ id, values, namespace, metadata }: StoredVector): VectorRecord {
  return {
    id,
    values: [...values],
    ...(namespace === '' ? {} : { namespace }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
