// What an append must be whatever log takes it.
import type { Append } from "./log.ts";

/** @throws RangeError: malformed. */
export function checkDense({ expected, records }: Append): void {
  const last = records.at(-1);
  if (last !== undefined && last.sequence !== expected.sequence + records.length)
    throw new RangeError("An append's records are dense from the expected sequence.");
}
