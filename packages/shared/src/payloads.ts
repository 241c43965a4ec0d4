// Where in a frame the user's own values are. The serialiser's codec is applied to these and nothing else, so the
// envelope is never walked.
import type { ClientFrame, ServerFrame } from "./protocol.ts";

/** What to do with a message and with a model met in a frame. Details of a rejection count as a message. */
export interface PayloadMap {
  message(value: unknown): unknown;
  model(value: unknown): unknown;
}

/** The frame with every payload mapped; the same object where it has none. */
export function mapPayloads<Frame extends ClientFrame | ServerFrame>(frame: Frame, map: PayloadMap): Frame;
export function mapPayloads(frame: ClientFrame | ServerFrame, map: PayloadMap): ClientFrame | ServerFrame {
  switch (frame.type) {
    case "SessionMessage":
    case "TopicMessage":
      return frame.message === null ? frame : { ...frame, message: messages(frame.message, map) };
    case "SessionUpdate":
    case "TopicUpdate":
      return {
        ...frame,
        records: frame.records.map(
          ([at, author, mid, id, message]) =>
            [at, author, mid, id, message === null ? null : messages(message, map)] as const,
        ),
      };
    case "Acknowledge":
      return frame.message === undefined ? frame : { ...frame, message: messages(frame.message, map) };
    case "Rejected":
      return { ...frame, details: map.message(frame.details) };
    case "Settled":
      return frame.outcomes.length === 0
        ? frame
        : {
            ...frame,
            outcomes: frame.outcomes.map(
              (o) => [o[0], o[1], o[2], o[3], o[4], o[5], outcomePayload(o[2], o[6], map)] as const,
            ),
          };
    case "Push":
      return {
        ...frame,
        pushes: frame.pushes.map(
          ([tag, user, message]) => [tag, user, message === null ? null : map.message(message)] as const,
        ),
      };
    case "Snapshot":
      return frame.chunk === undefined ? { ...frame, model: map.model(frame.model) } : frame;
    default:
      return frame;
  }
}

/** Of a rejection its details, of an acknowledgement the message if it was amended. */
const outcomePayload = (what: string | null, value: unknown, map: PayloadMap): unknown =>
  value === null || value === undefined ? null : what === "reject" ? map.message(value) : messages(value, map);

/** A dispatch is one message or an array of messages with one fate; each goes through the codec by itself. */
const messages = (value: unknown, map: PayloadMap): unknown =>
  Array.isArray(value) ? value.map((message: unknown) => map.message(message)) : map.message(value);
