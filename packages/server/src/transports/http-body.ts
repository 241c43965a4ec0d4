// Reads a request's body up to a limit, in the time given for it.
import type { Cancel, Clock } from "@calla/shared";

/** The body, or why there is none. */
export type Body =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: BodyFault };
export type BodyFault = "too-large" | "too-slow" | "aborted" | "body-read";
/** Where a body comes from. `body-read`: somebody in front has read it and keeps it. */
export type BodySource = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | "body-read" | undefined;

export interface BodyLimits {
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly within: number;
}

/** The chunks of a body, whatever stream they come from: a request of Node's, or a web stream. */
export async function readBody(chunks: BodySource, { clock, maxBytes, within }: BodyLimits): Promise<Body> {
  if (chunks === undefined) return { ok: true, bytes: new Uint8Array() };
  if (typeof chunks === "string") return { ok: false, reason: chunks };
  const iterator =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let cancel: Cancel = () => undefined;
  const late = new Promise<"too-slow">((resolve) => {
    cancel = clock.setTimeout(() => resolve("too-slow"), within);
  });
  const read: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), late]);
      if (next === "too-slow") return { ok: false, reason: next };
      if (next.done === true) return { ok: true, bytes: Buffer.concat(read) };
      size += next.value.length;
      if (size > maxBytes) return { ok: false, reason: "too-large" };
      read.push(next.value);
    }
  } catch {
    return { ok: false, reason: "aborted" };
  } finally {
    cancel();
  }
}
