// What a node's turns append, as a server would: each client's row beside its records.
import type { Append, LogRecord } from "@calla/server";
import { idOf, said } from "./fixtures.ts";

export const author = { clientId: "0123456789abcdef0123456789abcdef", userId: "user-1" };
export const recordOf = (sequence: number): LogRecord => ({
  sequence,
  mark: (sequence * 2_654_435_769) >>> 0,
  version: 1,
  at: 1_763_000_000_000 + sequence,
  author,
  mid: sequence,
  id: idOf(1, sequence),
  messages: [{ ...said(1, sequence) }],
});

/** Turns of so many targets with so many messages each, of one client to each. */
export function turns(targets: number, messages: number, name: string): () => readonly Append[] {
  let sequence = 0;
  return () => {
    const expected = sequence === 0 ? { sequence: 0, mark: 0 } : recordOf(sequence);
    const records = Array.from({ length: messages }, (_, i) => recordOf(sequence + i + 1));
    const was = sequence;
    sequence += messages;
    const row = {
      clientId: author.clientId,
      was,
      last: sequence,
      settled: was,
      outcomes: records.map(({ mid, id, sequence: place }) => ({ mid, id, sequence: place })),
    };
    return Array.from({ length: targets }, (_, i) => ({
      target: `${name}:${i}`,
      expected,
      records,
      rows: [row],
      at: records.at(-1)!.at,
    }));
  };
}
