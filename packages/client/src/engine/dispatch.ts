// What the app says: checked, shown at once, and handed to the outbox. Not here: when it leaves (outbox.ts).
import { CallaError, deepFreeze, DEV, messageId, parseMessage } from "@calla/shared";
import type { Slice, TargetKey } from "@calla/shared";
import { roughSize } from "../base/size.ts";
import { checkFits } from "./fits.ts";
import { add } from "./outbox.ts";
import type { AuthorNames, Core, Dispatch } from "./records.ts";
import { targetOf, touch } from "./targets.ts";
import { WriteHandle } from "./write.ts";

/** Shown at once; it leaves when it is durable. Throws before anything has happened. */
export function dispatch(core: Core, key: TargetKey, input: unknown): WriteHandle {
  const one = core.targets.get(key) ?? targetOf(core, key);
  const messages = check(core, one.slice, input);
  const at = Math.max(one.at, core.clock.now() + core.offset);
  const entry = newDispatch(key, messageId(core.random), at, one.author, messages);
  if (entry.size >= core.taken.surely) checkFits(core.serialiser, core.taken, entry);
  add(core, one.queue, entry);
  one.at = at;
  one.replica.predict(entry);
  touch(core, one);
  return new WriteHandle(core, entry);
}

/** What an ephemeral topic is told: as checked as any dispatch. */
export function checked(core: Core, key: TargetKey, input: unknown): readonly unknown[] {
  const messages = check(core, targetOf(core, key).slice, input);
  checkFits(core.serialiser, core.taken, { target: key, id: "", messages, size: roughSize(messages) });
  return messages;
}

function check(core: Core, slice: Slice | undefined, input: unknown) {
  if (core.closed) throw new CallaError("closed");
  if (!slice) throw new CallaError("topic");
  return accept(slice, input, core);
}

/**
 * The one place where the app may give one message or several: inside they are always an array. Parsed, as every reader
 * will get it, and frozen: what is predicted, stored and sent is one value.
 *
 * @throws CallaError `invalid`, before anything has happened.
 */
export function accept(
  slice: Slice,
  input: unknown,
  { serialiser, strict }: Pick<Core, "serialiser" | "strict">,
): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(input) ? [...input] : [input]; // a hole is undefined
  if (list.length === 0)
    throw new CallaError("invalid", {}, DEV && "A dispatch of no messages; give it at least one.");
  return list.map((one) => {
    const parsed = parseMessage(slice, one, "client", { strict });
    if (parsed.ok) return deepFreeze(serialiser.normaliseMessage(parsed.message));
    const { code, details } = parsed;
    throw new CallaError(
      "invalid",
      { code, ...details },
      DEV && `Slice "${slice.name}" does not take this message (${code}): ${JSON.stringify(details)}.`,
    );
  });
}

/** Field by field: a literal that begins with a spread grows one property at a time, which took half of a dispatch. */
export const newDispatch = (
  target: TargetKey,
  id: string,
  at: number,
  { userId, visitor }: AuthorNames,
  messages: readonly unknown[],
  earlier = false,
): Dispatch => ({
  target,
  id,
  messages,
  at,
  userId,
  visitor,
  size: roughSize(messages),
  view: { id, messages, skipped: undefined },
  shown: false,
  tried: false,
  goneAt: Infinity,
  mid: 0,
  stage: "new",
  out: false,
  sentAt: 0,
  cuts: 0,
  strikes: 0,
  held: false,
  voided: false,
  dropped: undefined,
  outcome: undefined,
  decidedUnder: 0,
  listed: undefined,
  kept: false,
  recorded: false,
  stored: undefined,
  told: undefined,
  wake: undefined,
  earlier,
});
