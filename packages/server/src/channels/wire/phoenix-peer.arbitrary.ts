// A client's side of the wire, written down from its description and not from the server's code, and what such clients say.
import * as fc from "fast-check";

const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];
const textOf = (bytes: readonly number[]): string =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));

export interface Push {
  readonly joinRef: string;
  readonly ref: string;
  readonly topic: string;
  readonly event: string;
}

/** A client's binary push. */
export function binaryPush({ joinRef, ref, topic, event }: Push, data: Uint8Array): Uint8Array {
  const fields = [joinRef, ref, topic, event].map(bytesOf);
  return Uint8Array.from([0, ...fields.map((field) => field.length), ...fields.flat(), ...data]);
}

export interface Heard {
  readonly kind: "push" | "reply" | "broadcast";
  readonly fields: readonly string[];
  readonly data: Uint8Array;
}

/** What a client makes of a server's binary frame. */
export function hear(frame: Uint8Array): Heard {
  const bytes = [...frame];
  const kind = (["push", "reply", "broadcast"] as const)[bytes.shift()!]!;
  const lengths = bytes.splice(0, { push: 3, reply: 4, broadcast: 2 }[kind]);
  const fields = lengths.map((length) => textOf(bytes.splice(0, length)));
  return { kind, fields, data: Uint8Array.from(bytes) };
}

/** At most 255 bytes in UTF-8; lengths at the edge, and names of every width. */
export const field: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "",
      "\ufeffx",
      "null",
      "räume",
      "a".repeat(255),
      "é".repeat(127),
      "😀".repeat(63),
    ),
  },
);
export const push: fc.Arbitrary<Push> = fc.record({ joinRef: field, ref: field, topic: field, event: field });
export const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 50 });
