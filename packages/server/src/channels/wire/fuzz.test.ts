// Frames that nobody meant: random ones, and true ones with mistakes in them. CALLA_FRAMES says how many.
import { expect, test } from "vitest";
import { MalformedFrame } from "./serialiser.ts";
import { serialisers } from "./vsn.ts";

const COUNT = Number(process.env["CALLA_FRAMES"] ?? 10_000);
const SEED = Number(process.env["CALLA_SEED"] ?? 1);

/** mulberry32: numbers below `below`. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const TRUE: readonly string[] = [
  '["1","1","room:lobby","phx_join",{"token":"abc","nested":[1,2,{"a":null}]}]',
  '[null,"2","phoenix","heartbeat",{}]',
  '["1","3","räume:😀","évt",{"text":"\\u00e4\\ud83d\\ude00","n":-1.5e3}]',
  '{"topic":"t","event":"e","payload":{"a":[true,false]},"ref":"1","join_ref":null}',
  "\u0000\u0001\u0001\u0003\u000212topev\u0001\u0002",
];
const PIECES = [
  "[",
  "]",
  "{",
  "}",
  '"',
  ",",
  ":",
  "\\",
  "\\u",
  "\\ud800",
  "\\udc00",
  "\ud800",
  "\0",
  "null",
  "1e999",
  "__proto__",
  '{"1":',
  "[".repeat(300),
  "\ufeff",
  "ÿ",
  "-",
];

function frame(next: (below: number) => number): string | Uint8Array {
  const made = next(4);
  if (made === 0) return Uint8Array.from({ length: next(40) }, () => (next(6) === 0 ? 0 : next(256)));
  let text = made === 1 ? "" : TRUE[next(TRUE.length)]!;
  for (let left = next(3); left > 0; left--) {
    const at = next(text.length + 1);
    text = text.slice(0, at) + (next(3) === 0 ? "" : PIECES[next(PIECES.length)]!) + text.slice(at + next(3));
  }
  if (next(2) === 0) return text;
  const bytes = Buffer.from(text);
  for (let left = next(3) === 0 ? next(4) : 0; left > 0 && bytes.length > 0; left--)
    bytes[next(bytes.length)] = next(256);
  return bytes;
}

test(
  `[MF28] ${COUNT} random and mutated frames are messages or malformed, and nothing else`,
  { timeout: 60_000 + COUNT },
  () => {
    const next = numbers(SEED);
    const all = [{}, { strictPhoenix: true }].flatMap((options) => {
      const serialiserFor = serialisers(options);
      return [serialiserFor("1.0.0")!, serialiserFor("2.0.0")!];
    });
    const tally = { message: 0, malformed: 0 };
    const { stackTraceLimit } = Error;
    // Most of them end in an error, and where it was made takes as long as all the rest.
    Error.stackTraceLimit = 0;
    const before = process.memoryUsage().heapUsed;
    const cpu = process.cpuUsage();
    try {
      for (let done = 0; done < COUNT; done++) {
        const data = frame(next);
        const serialiser = all[done % all.length]!;
        try {
          const message = serialiser.decode(data);
          if (Object.keys(message).length !== 5 || Object.values(message).includes(undefined as never))
            throw new TypeError("no message");
          // What was read can be said again.
          serialiser.reply({
            ...message,
            status: "ok",
            response: message.payload instanceof Uint8Array ? {} : message.payload,
          });
          tally.message++;
        } catch (thrown) {
          if (!(thrown instanceof MalformedFrame))
            throw new Error(`seed ${SEED}, frame ${done}: ${JSON.stringify(data)}`, { cause: thrown });
          tally.malformed++;
        }
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    const { user } = process.cpuUsage(cpu);
    expect(tally.message + tally.malformed).toBe(COUNT);
    expect(tally.message).toBeGreaterThan(COUNT / 20);
    expect(tally.malformed).toBeGreaterThan(COUNT / 3);
    // A frame takes microseconds (about 10), and none of them stays.
    expect(user / COUNT).toBeLessThan(500);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200e6);
  },
);
