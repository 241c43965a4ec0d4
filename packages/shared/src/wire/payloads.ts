// Where in a frame the user's own values are. The serialiser's codec is applied to these and nothing else, so the
// envelope is never walked.
import type { ClientFrame, ServerFrame } from "./protocol.ts";

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
 * The frame with every payload mapped; the same object where it can have none.
 *
 * @example
 * mapPayloads(frame, payloadReader(serialiser.payload(format)));
 */
export function mapPayloads<Frame extends ClientFrame | ServerFrame>(frame: Frame, map: PayloadMap): Frame;
export function mapPayloads(frame: ClientFrame | ServerFrame, map: PayloadMap): ClientFrame | ServerFrame {
  const one = (value: unknown): unknown => (isNothing(value) ? value : map.message(value));
  const details = (value: unknown): unknown => (isNothing(value) ? value : map.details(value));
  /** A dispatch is one message or an array of messages with one fate; each goes through the codec by itself. */
  const dispatch = (value: unknown): unknown => (Array.isArray(value) ? value.map(one) : one(value));
  switch (frame.type) {
    case "TopicMessage":
    case "Acknowledge":
      return withMessage(frame, isNothing(frame.message) ? frame.message : dispatch(frame.message));
    case "Rejected":
      return { ...frame, details: details(frame.details) };
    case "TopicUpdate":
      return { ...frame, records: mapLast(frame.records, dispatch) };
    case "Settled":
      // Of a rejection its details, of an acknowledgement the messages if they were amended.
      return {
        ...frame,
        outcomes: mapLast(frame.outcomes, (value, [, , what]) =>
          what === "rejected" ? details(value) : dispatch(value),
        ),
      };
    case "Push":
      return { ...frame, pushes: mapLast(frame.pushes, one) };
    case "Snapshot":
      return frame.chunk === undefined ? { ...frame, model: map.model(frame.model) } : frame;
    default:
      return frame;
  }
}

/** Most payloads are plain as they are; then nothing is copied. */
const withMessage = <Frame extends { readonly message?: unknown }>(frame: Frame, message: unknown): Frame =>
  message === frame.message ? frame : { ...frame, message };

/** Nothing stands where a message would: a mid was given up, an author has gone, nothing was amended. */
const isNothing = (value: unknown): boolean => value === null || value === undefined;

/** In every tuple of a frame that has a payload, it stands last. */
const mapLast = <Tuple extends readonly unknown[]>(
  tuples: readonly Tuple[],
  mapped: (value: unknown, tuple: Tuple) => unknown,
): readonly Tuple[] =>
  tuples.map((tuple) => {
    const value = tuple[tuple.length - 1];
    const changed = mapped(value, tuple);
    return changed === value ? tuple : ([...tuple.slice(0, -1), changed] as readonly unknown[] as Tuple);
  });
