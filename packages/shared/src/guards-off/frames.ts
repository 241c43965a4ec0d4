// Stands for guards/frames.ts in a page that is built for production, at half its bytes. It looks at each field that
// decides what the client does: what it only hands on to the app is left out (CL58). server-frames.ts says what fields
// mean; frames.test.ts holds this table against it.
import { isBytes } from "../values/kind.ts";
import type * as Guard from "../guards/frames.ts";

/**
 * A frame a line: its type, then each field and the kinds of value that it may be (`kindOf`). With commas: a list of
 * tuples, after "(" one tuple or none.
 */
const FORMS = `Connected clientId s secret su userId s0 now c maxInFlight c limits (c,c,c,c spread cu
Acknowledge target s mid c id s sequence c messages lu
Rejected target s mid c id s from s code s
Paused target s from c code s retryAfter c
Settled target s ref c sequence c next c outcomes c,s,c,l,s0,s0,bcilnosux0 resync s
TopicUpdate target s after c from c at c authors c,s0,c records ci,ci,c,s,l mark c digest cu
Push target s pushes c0,s0,l
Presence target s after cu at c joins c,s,bcilnosux0 leaves l count cu
Untracked target s code s retryAfter cu
Members target s ref c members c,s,bcilnosux0 more b
Snapshot target s sequence c mark c part cu parts cu chunk sux
Version terminal b
Unsubscribed target s ref c code s retryable b retryAfter cu
Expiring
Pong spread cu
Closing code s retryable b within c`;

const forms = new Map(
  FORMS.split("\n").map((line) => {
    const [type, ...fields] = line.split(" ").map((word) => word.split(","));
    return [type![0], fields];
  }),
);

/** A letter: list, count, other integer, null, bytes; and what `typeof` begins with. */
const kindOf = (value: unknown): string =>
  Array.isArray(value)
    ? "l"
    : value === null
      ? "0"
      : Number.isSafeInteger(value)
        ? (value as number) < 0
          ? "i"
          : "c"
        : isBytes(value)
          ? "x"
          : (typeof value)[0]!;

const isTuple = (form: readonly string[], row: unknown): boolean =>
  Array.isArray(row) &&
  row.length === form.length &&
  form.every((kinds, i) => kinds.includes(kindOf(row[i])));

const fits = (form: readonly string[], value: unknown): boolean =>
  !form[1]
    ? isTuple(form, [value])
    : form[0] === "(c"
      ? value === undefined || isTuple(form, value)
      : Array.isArray(value) && value.every((row) => isTuple(form, row));

export const serverFrame: typeof Guard.serverFrame = (value) => {
  const frame = value as Readonly<Record<string, unknown>> | null | undefined;
  const fields = forms.get(frame?.["type"] as string);
  return fields?.every(([field], i) => i % 2 || fits(fields[i + 1]!, frame?.[field!]))
    ? (frame as ReturnType<typeof Guard.serverFrame>)
    : undefined;
};
