// The meta by which a client wants to be listed, from the wire to the tracker: what its slice's schema takes, what every
// format and the other nodes carry, and no more bytes than the limit.
import { CallaError, deepFreeze, readResult } from "@calla/shared";
import type { SlicePresence, UntrackedCode } from "@calla/shared";
import { isThenable } from "../base/contain.ts";
import type { Encoder } from "../context/encoder.ts";
import type { ServerContext } from "../context/server-context.ts";
import { bytesOfDetails } from "../target/details.ts";

export type ReadMeta =
  | { readonly ok: true; readonly meta: unknown }
  | { readonly ok: false; readonly code: UntrackedCode; readonly details: unknown };

type MetaContext = Pick<ServerContext, "serialiser" | "limits" | "strict" | "report">;

/** `plain`: as it came. Never throws: what the schema throws is reported, and refuses the meta. */
export function readMeta(
  context: MetaContext,
  slice: { readonly name: string; readonly presence: SlicePresence },
  plain: unknown,
  encoder: Encoder,
): ReadMeta {
  const { serialiser, limits, strict, report } = context;
  const given = encoder.decodeMeta(plain);
  if (given === undefined) return invalid("no value that the wire carries");
  try {
    const result = slice.presence.schema["~standard"].validate(given);
    if (isThenable(result)) throw asynchronous(slice.name, result);
    const checked = readResult(result);
    if (!checked.ok) return { ok: false, code: "invalid", details: { issues: checked.issues } };
    // A copy, as every node and every page gets it.
    const meta = serialiser.normaliseDetails(checked.value);
    const bytes = bytesOfDetails(meta, serialiser);
    const { maxPresenceBytes } = limits;
    if (bytes > maxPresenceBytes)
      return { ok: false, code: "too-large", details: { bytes, maxPresenceBytes } };
    // All who ask this server who is here are given the same object.
    return { ok: true, meta: strict ? deepFreeze(meta) : meta };
  } catch (error) {
    report(error);
    return invalid("its schema failed");
  }
}

const invalid = (message: string): ReadMeta => ({
  ok: false,
  code: "invalid",
  details: { issues: [{ message, path: [] }] },
});

function asynchronous(slice: string, promise: PromiseLike<unknown>): CallaError {
  const nothing = (): undefined => undefined;
  promise.then(nothing, nothing);
  return new CallaError(
    "wiring",
    { slice },
    `The presence schema of slice "${slice}" answered with a promise: it is asynchronous, or (in zod) it threw. It must answer at once.`,
  );
}
