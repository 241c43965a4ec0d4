// Where in a frame the user's own values are. The serialiser's codec is applied to these and nothing else, so the
// envelope is never walked. Most payloads are plain as they are: then nothing is copied.
import type { ClientFrame, ServerFrame, WireMember } from "./protocol.ts";

/** What to do with a message, a model, and the details of a rejection or the meta of a member met in a frame. */
export interface PayloadMap {
  /** Gives what stands in place of one message. */
  message(value: unknown): unknown;
  /** Gives what stands in place of a snapshot's model. */
  model(value: unknown): unknown;
  /** Gives what stands in place of a rejection's details, or of the meta of a member of presence. */
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
  /** A row whose messages stand there. */
  const messagesAt =
    (place: number) =>
    <Row extends readonly unknown[]>(row: Row): Row =>
      put(row, place, each(row[place] as readonly unknown[], map.message));
  switch (frame.type) {
    case "TopicMessage":
    case "Acknowledge":
      return frame.messages ? placed(frame, "messages", each(frame.messages, map.message)) : frame;
    case "Rejected":
    case "Untracked":
      return placed(frame, "details", detailsIn(frame.details, map));
    case "TopicUpdate":
      return placed(frame, "records", each(frame.records, messagesAt(4)));
    case "Settled": {
      const messages = messagesAt(3);
      return placed(
        frame,
        "outcomes",
        each(frame.outcomes, (outcome) => put(messages(outcome), 6, detailsIn(outcome[6], map))),
      );
    }
    case "Track":
      return frame.meta === undefined ? frame : placed(frame, "meta", map.details(frame.meta));
    case "Presence":
      return placed(frame, "joins", each(frame.joins, metaIn(map)));
    case "Members":
      return placed(frame, "members", each(frame.members, metaIn(map)));
    case "Push":
      return placed(frame, "pushes", each(frame.pushes, messagesAt(2)));
    case "Snapshot":
      return frame.chunk === undefined ? placed(frame, "model", map.model(frame.model)) : frame;
    default:
      return frame;
  }
}

/** A frame with this in its field: the same one where it stands there already. */
const placed = <Whole extends object>(whole: Whole, field: keyof Whole, part: unknown): Whole =>
  whole[field] === part ? whole : { ...whole, [field]: part };

/** The same of a row. */
const put = <Row extends readonly unknown[]>(row: Row, place: number, part: unknown): Row =>
  row[place] === part ? row : (row.with(place, part) as readonly unknown[] as Row);

/** A member whose meta stands there. */
const metaIn =
  ({ details }: PayloadMap) =>
  (member: WireMember): WireMember =>
    put(member, 2, details(member[2]));

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
