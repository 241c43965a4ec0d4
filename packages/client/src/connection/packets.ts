// What does not fit into one packet: frames in pieces, a snapshot's parts put together. Not here: whether it has to
// (connection.ts).
import type { ClientFrame, ClientFrames, Format } from "@calla/shared";
import { bytesOf } from "../base/size.ts";

type Hello = ClientFrames["Hello"];

/** The Hello with as many of its targets, from the first on, as `most` bytes hold; the same object where all fit. */
export function fitting(format: Format, hello: Hello, most: number): Hello {
  const bytes = (value: unknown): number => bytesOf(format.encode(value));
  // Of what is encoded alone nothing but a separator or a longer count is added.
  let left = most - bytes({ ...hello, targets: [] }) - 8;
  const end = hello.targets.findIndex((one) => (left -= bytes(one) + 1) < 0);
  return end < 0 ? hello : { ...hello, targets: hello.targets.slice(0, end) };
}

/** Frames in two parts; of one frame what it asks; undefined: it is whole. */
export function halves(frames: readonly ClientFrame[]): readonly (readonly ClientFrame[])[] | undefined {
  const [first] = frames;
  if (frames.length > 1) return inTwo(frames);
  if (first?.type !== "Ping") return undefined;
  const { cursors, presence = [] } = first;
  if (cursors.length + presence.length < 2) return undefined;
  const behind = inTwo(presence);
  return inTwo(cursors).map((some, i) => [
    { type: "Ping", cursors: some, ...(behind[i]!.length > 0 ? { presence: behind[i]! } : {}) },
  ]);
}
const inTwo = <T>(all: readonly T[]): readonly (readonly T[])[] => [
  all.slice(0, all.length >> 1),
  all.slice(all.length >> 1),
];

export function joined(chunks: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (typeof chunks[0] === "string") return chunks.join("");
  const all = chunks as readonly Uint8Array[];
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of all) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
