// Messages, models and outcomes as JSON text and back, by the serialiser's own codec, so that what the wire carries is
// what the file holds: Dates, Maps, bigints and registered classes too.
import { automatic, json } from "@calla/shared";
import type { Message, PayloadCodec, Serialiser } from "@calla/shared";
import type { Outcome } from "./log.ts";

export interface TextCodec {
  /** @throws CallaError `invalid-value`. */
  readonly messages: Way<readonly Message[]>;
  /** @throws CallaError `invalid-value`. */
  readonly model: Way<unknown>;
  /** @throws CallaError `invalid-value`. */
  readonly outcomes: Way<readonly Outcome[]>;
}
interface Way<Value> {
  write(value: Value): string;
  /** @throws CallaError `undecodable` and others: the file holds what this serialiser does not know. */
  read(text: string): Value;
}

/** The codec of a server that named none: the value domain, without classes. */
export const plainText = (): TextCodec => textCodec(automatic(json()));

export function textCodec(serialiser: Serialiser): TextCodec {
  const codec = serialiser.payload(serialiser.formats.find(({ binary }) => !binary) ?? json());
  const way = <Value>(to: (value: Value) => unknown, from: (plain: unknown) => Value): Way<Value> => ({
    write: (value) => JSON.stringify(to(value)),
    read: (text) => from(JSON.parse(text)),
  });
  return {
    messages: way(
      (messages) => messages.map(codec.encodeMessage),
      (plain) => (plain as readonly unknown[]).map(codec.decodeMessage) as Message[],
    ),
    model: way(codec.encodeModel, codec.decodeModel),
    outcomes: way(
      (outcomes) => outcomes.map((outcome) => plainOutcome(outcome, codec)),
      (plain) => (plain as readonly Outcome[]).map((outcome) => outcomeOf(outcome, codec)),
    ),
  };
}

function plainOutcome(outcome: Outcome, codec: PayloadCodec): unknown {
  if ("code" in outcome) return { ...outcome, details: codec.encodeDetails(outcome.details) };
  const { messages } = outcome;
  return messages === undefined ? outcome : { ...outcome, messages: messages.map(codec.encodeMessage) };
}

function outcomeOf(plain: Outcome, codec: PayloadCodec): Outcome {
  if ("code" in plain) return { ...plain, details: codec.decodeDetails(plain.details) };
  const { messages } = plain;
  return messages === undefined
    ? plain
    : { ...plain, messages: messages.map(codec.decodeMessage) as Message[] };
}
