// Where in a frame the user's own values are. The serialiser's codec is applied to these and nothing else, so the
// envelope is never walked. Most payloads are plain as they are: then nothing is copied.
import type { ClientFrame, ServerFrame, ServerFrames, WireOutcome, WireRecord } from "./protocol.ts";

type Push = ServerFrames["Push"]["pushes"][number];

/** What to do with a message, a model and the details of a rejection met in a frame. */
export interface PayloadMap {
  /** Gives what stands in place of one message. */
  message(value: unknown): unknown;
  /** Gives what stands in place of a snapshot's model. */
  model(value: unknown): unknown;
  /** Gives what stands in place of a rejection's details. */
  details(value: unknown): unknown;
}

/**
 * The frame with every payload mapped; the same object where nothing in it has become another.
 *
 * @example
 * mapPayloads(frame, payloadReader(serialiser.payload(format)));
 */
export function mapPayloads<Frame extends ClientFrame | ServerFrame>(frame: Frame, map: PayloadMap): Frame;
export function mapPayloads(frame: ClientFrame | ServerFrame, map: PayloadMap): ClientFrame | ServerFrame {
  switch (frame.type) {
    case "TopicMessage":
    case "Acknowledge": {
      const { messages } = frame;
      const mapped = messages && each(messages, map.message);
      return mapped === messages ? frame : { ...frame, messages: mapped! };
    }
    case "Rejected":
      return { ...frame, details: detailsIn(frame.details, map) };
    case "TopicUpdate": {
      const records = each<WireRecord>(frame.records, (record) => {
        const [later, author, mid, id, messages] = record;
        const mapped = each(messages, map.message);
        return mapped === messages ? record : [later, author, mid, id, mapped];
      });
      return records === frame.records ? frame : { ...frame, records };
    }
    case "Settled": {
      const outcomes = each<WireOutcome>(
        frame.outcomes,
        ([mid, id, sequence, messages, from, code, details]) => [
          mid,
          id,
          sequence,
          each(messages, map.message),
          from,
          code,
          detailsIn(details, map),
        ],
      );
      return { ...frame, outcomes };
    }
    case "Push": {
      const pushes = each<Push>(frame.pushes, (push) => {
        const [from, userId, messages] = push;
        const mapped = each(messages, map.message);
        return mapped === messages ? push : [from, userId, mapped];
      });
      return pushes === frame.pushes ? frame : { ...frame, pushes };
    }
    case "Snapshot":
      return frame.chunk === undefined ? { ...frame, model: map.model(frame.model) } : frame;
    default:
      return frame;
  }
}

/** Calla's own refusals have none. */
const detailsIn = (value: unknown, { details }: PayloadMap): unknown =>
  value === null || value === undefined ? value : details(value);

/** `items.map(map)`, and the same array where that changes nothing. */
function each<Item>(items: readonly Item[], map: (item: Item) => Item): readonly Item[] {
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    const mapped = map(item);
    if (mapped === item) continue;
    const all = items.slice(0, i);
    all.push(mapped);
    while (++i < items.length) all.push(map(items[i]!));
    return all;
  }
  return items;
}
