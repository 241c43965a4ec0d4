// What an app's schemas say of what clients send. Unlike the sync half's, they may be asynchronous: a channel's topic
// waits, and no other.
import { isThenable } from "../../base/contain.ts";
import { readResult } from "@calla/shared";
import type { Schema, SchemaVerdict } from "@calla/shared";

export type Fitting = SchemaVerdict;

/** Runs a schema. Throws what it throws. */
export function fitting(schema: Schema, value: unknown): Fitting | Promise<Fitting> {
  const result = schema["~standard"].validate(value);
  return isThenable<Awaited<typeof result>>(result)
    ? Promise.resolve(result).then(readResult)
    : readResult(result);
}
