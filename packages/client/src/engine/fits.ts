// Whether a message can ever be sent. A message over the server's limits would end each connection that carries it, so
// `dispatch` refuses it (OB21). Not here: what a slice accepts (dispatch.ts), how much may wait (outbox.ts).
import { CallaError, DEFAULT_DECODE_LIMITS, DEV, mapPayloads, payloadWriter } from "@calla/shared";
import type { Format, Serialiser, ServerFrames } from "@calla/shared";
import { bytesOf } from "../base/size.ts";
import type { Dispatch, Taken } from "./records.ts";

/** What the server takes of a frame: its word, or the defaults. */
export function takenOf(limits: ServerFrames["Connected"]["limits"]): Taken {
  const {
    maxFrameBytes: bytes,
    maxEntries: entries,
    maxValues: values,
    maxNames: names,
  } = DEFAULT_DECODE_LIMITS;
  const [maxFrameBytes, maxEntries, maxValues, maxNames] = limits ?? [bytes, entries, values, names];
  // A rough size is 8 a value and a name, and 2 a unit of a text.
  const surely = Math.min(maxFrameBytes / 4, 8 * maxEntries, maxValues / 4, 8 * maxNames);
  return { ...DEFAULT_DECODE_LIMITS, maxFrameBytes, maxEntries, maxValues, maxNames, surely };
}

/** How many values, items in one place, and different names a plain frame has, as `countValues` and the server count. */
function measured(frame: unknown): { values: number; entries: number; names: number } {
  let values = 0;
  let entries = 0;
  const names = new Set<string>();
  const walk = (one: unknown): void => {
    values++;
    if (typeof one !== "object" || one === null) return;
    values += 2;
    // Bytes cost what their tagged value does, whatever carries them.
    if (ArrayBuffer.isView(one)) return void (values += 12);
    const items: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
    entries = Math.max(entries, items.length);
    if (items !== one) {
      const own = Object.keys(one);
      for (const name of own) names.add(name);
      // A tagged value, and one whose fields are a table, cost more than they say.
      if (own[0] === "$") values += items[0] === "bytes" ? 10 : 5;
      if (own.some((name) => /^\d/.test(name))) values += 12;
    }
    items.forEach(walk);
  };
  walk(frame);
  return { values, entries, names: names.size };
}

/**
 * Whether what it will be on the wire is within what the server takes; of what is surely below that nothing is computed.
 *
 * @throws CallaError `too-large`.
 */
export function checkFits(
  serialiser: Serialiser,
  { maxFrameBytes, maxEntries, maxValues, maxNames, surely }: Taken,
  { target, id, messages, size }: Pick<Dispatch, "target" | "id" | "messages" | "size">,
): void {
  if (size < surely) return;
  const format = serialiser.formats[0] as Format;
  const frame = mapPayloads(
    { type: "TopicMessage", target, mid: 99_999, id, settled: 99_999, messages } as const,
    payloadWriter(serialiser.payload(format)),
  );
  const { values, entries, names } = measured(frame);
  const over =
    entries > maxEntries
      ? { maxEntries }
      : values > maxValues
        ? { maxValues }
        : names > maxNames
          ? { maxNames }
          : bytesOf(format.encode(frame)) > maxFrameBytes && { maxFrameBytes };
  if (!over) return;
  throw new CallaError(
    "too-large",
    over,
    DEV &&
      `The server takes no message like this one to "${target}" (${JSON.stringify(over)}). Say it in several messages, or raise the server's limit.`,
  );
}
