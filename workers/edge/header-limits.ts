/** Caps on headers: workerd has none of its own. Values are generous for any real client. */
import { fail, type Failure } from '../../shared/core/failure.ts';

const MaxHeaders = 100;
const MaxHeaderBytes = 32_768;

export function findHeaderExcess(headers: Headers): Failure | undefined {
  let count = 0;
  let bytes = 0;
  // Half the price of iterating, which makes a pair of each.
  headers.forEach((value, name) => {
    count++;
    bytes += name.length + value.length;
  });
  return count > MaxHeaders || bytes > MaxHeaderBytes ? fail('headers_too_large') : undefined;
}
