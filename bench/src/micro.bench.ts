// Small pieces in one process: what a codec costs for one frame, what a rebase costs with so many pending. Medians of
// many samples of at least some milliseconds each; the codec's cost stands beside that of bare JSON in the same run.
import {
  applyMessages,
  asFrame,
  mapPayloads,
  payloadReader,
  payloadWriter,
  serverFrames,
  sameInOrder,
} from "@calla/shared";
import type { Format, ServerFrame } from "@calla/shared";
import { idOf, room, said, serialiser, snapshotFrame, updateFrame } from "./fixtures.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";
import { FOLLOWED, follows } from "./follower.ts";
import { groups } from "./groups.ts";
import { patches } from "./patches.ts";
import { presence } from "./presence.ts";
import { channelsPresence } from "./channels-presence.ts";
import { syncPresence } from "./sync-presence.ts";
import { trip, updateAlone } from "./trip.ts";
import { heapOfPending, rebases } from "./waiting.ts";
import type { Rebased } from "./waiting.ts";

const quick = process.argv[2] === "quick";
const SAMPLES = quick ? 3 : 25;
const SAMPLE_MS = quick ? 2 : 20;

/** Results are put here, so that no compiler finds them unused. */
let sink: unknown;

/** Median nanoseconds of one call. */
function time(call: () => unknown): number {
  const sample = (count: number): number => {
    const began = performance.now();
    for (let i = 0; i < count; i++) sink = call();
    return performance.now() - began;
  };
  let count = 1;
  while (sample(count) < SAMPLE_MS) count *= 2;
  const samples = Array.from({ length: SAMPLES }, () => sample(count));
  return (1_000_000 * median(samples)) / count;
}

const micros = (nanoseconds: number): string => (nanoseconds / 1_000).toFixed(2);

function codecs(): Micro[number] {
  const frames = {
    "update, 1 record": updateFrame(1),
    "update, 64 records": updateFrame(64),
    "snapshot, 100 KB": snapshotFrame(),
  };
  const rows: string[][] = [["frame", "format", "bytes", "encode µs", "decode µs"]];
  for (const [title, frame] of Object.entries(frames)) {
    const text = JSON.stringify(frame);
    rows.push([
      title,
      "bare JSON",
      String(Buffer.byteLength(text)),
      micros(time(() => JSON.stringify(frame))),
      micros(time(() => JSON.parse(text) as unknown)),
    ]);
    for (const format of serialiser.formats) rows.push([title, format.name, ...codec(format, frame)]);
  }
  return { title: "Codecs: a whole frame, its guard and its payloads", rows };
}

/** As server and client do it: payloads made plain, then the format; and back through the frame's guard. */
function codec(format: Format, frame: ServerFrame): string[] {
  const payload = serialiser.payload(format);
  const out = payloadWriter(payload);
  const back = payloadReader(payload);
  const encode = (): string | Uint8Array => format.encode(mapPayloads(frame, out));
  const data = encode();
  const decode = (): unknown => mapPayloads(asFrame(serverFrames, format.decode(data))!, back);
  return [String(Buffer.byteLength(data)), micros(time(encode)), micros(time(decode))];
}

// What of packages/client/src/engine/replica.ts is called here; it is bundled by itself because it is no export.
interface Act {
  readonly id: string;
  readonly messages: readonly unknown[];
  readonly at: number;
  readonly userId: string | null;
  readonly visitor: string;
  readonly size: number;
  readonly goneAt: number;
  readonly shown: boolean;
  readonly tried: boolean;
  readonly view: object;
}
/** Every predicted model is kept. */
const ROOM = { take: () => 1, give: () => undefined };
type Fold = (model: unknown, act: Act) => { readonly ok: boolean };
interface Replica {
  reset(confirmed: object, sequence: number): unknown;
  predict(entry: Act): unknown;
  advance(by: { records: readonly { act: Act; own: boolean }[]; sequence: number; mark: number }): {
    readonly ok: boolean;
  };
  replay(): void;
}

async function rebase(): Promise<Micro[number]> {
  const bundle: string = "./replica.mjs";
  const engine = (await import(bundle)) as {
    Replica: new (fold: Fold, room: typeof ROOM, same: typeof sameInOrder, failed: () => void) => Replica;
  };
  let folds = 0;
  const fold: Fold = (model, { id, at, userId, visitor, messages }) => {
    folds++;
    return applyMessages(
      room,
      model,
      messages as Parameters<typeof applyMessages>[2],
      { at, userId, visitor, messageId: id },
      { strict: false },
    );
  };
  const act = (from: number, n: number): Act => {
    const [id, messages] = [idOf(from, n), [said(from, n)]];
    const view = { id, messages, skipped: undefined };
    return {
      id,
      messages,
      at: n,
      userId: null,
      visitor: "",
      size: 100,
      goneAt: Infinity,
      shown: false,
      tried: false,
      view,
    };
  };
  const rows: string[][] = [
    ["pending", "someone else's record: rebase µs", "a dispatch, and one's own record as predicted µs"],
  ];
  for (const count of [1, 10, 100, 1_000]) {
    const replica = new engine.Replica(fold, ROOM, sameInOrder, () => undefined);
    replica.reset({ sequence: 0, mark: 0, model: room.initial() }, 0);
    const pending = Array.from({ length: count }, (_, i) => act(1, i + 1));
    for (const entry of pending) replica.predict(entry);
    const advance = (by: Act, own: boolean): boolean =>
      replica.advance({ records: [{ act: by, own }], sequence: 1, mark: 1 }).ok;
    const foreign = act(2, 1);
    const rebased = (): boolean => {
      const ok = advance(foreign, false);
      replica.replay();
      return ok;
    };
    folds = 0;
    if (!rebased() || folds !== 1 + count) throw new Error(`${folds} updates for ${count} pending`);
    const others = micros(time(rebased));
    let next = count;
    const confirmed = (): boolean => {
      const entry = act(1, ++next);
      replica.predict(entry);
      pending.push(entry);
      const head = pending.shift();
      return head !== undefined && advance(head, true);
    };
    folds = 0;
    if (!confirmed() || folds > 3) throw new Error(`${folds} updates for a dispatch and its record`);
    rows.push([count.toLocaleString("en"), others, micros(time(confirmed))]);
  }
  return { title: "Rebase: one record arrives over so many pending", rows };
}

/** The quietest of several: the processor is never faster than it can be. */
async function trips(): Promise<Micro[number]> {
  const rows: string[][] = [["messages in a packet", "CPU µs/message, least of several"]];
  const messages = quick ? 2_000 : 60_000;
  for (const perPacket of [1, 64]) {
    let least = Infinity;
    for (let i = quick ? 1 : 5; i > 0; i--)
      least = Math.min(least, await trip(perPacket, messages / perPacket));
    rows.push([String(perPacket), least.toFixed(2)]);
  }
  return { title: "A message's trip through the server, without a socket", rows };
}

/** What a message to a large model costs besides its update: found where something walks the model for each message. */
async function largeModels(): Promise<Micro[number]> {
  const rows: string[][] = [
    ["model", "in a packet", "update alone µs", "trip µs", "ratio, least of several", "must be", ""],
  ];
  const messages = quick ? 640 : 6_400;
  for (const perPacket of [1, 64]) {
    let least = { alone: 0, whole: 0, ratio: Infinity };
    for (let i = quick ? 1 : 5; i > 0; i--) {
      const alone = updateAlone("records", messages);
      const whole = await trip(perPacket, messages / perPacket, "records");
      if (whole / alone < least.ratio) least = { alone, whole, ratio: whole / alone };
    }
    rows.push([
      "1,000 records by id",
      String(perPacket),
      least.alone.toFixed(1),
      least.whole.toFixed(1),
      least.ratio.toFixed(2),
      "≤ 2",
      least.ratio <= 2 ? "met" : "not met",
    ]);
  }
  return { title: "A message to a large model: the server's whole cost beside its update alone", rows };
}

/** What following a large model costs besides its updates: found where something walks the model for each record. */
async function followers(): Promise<Micro[number]> {
  const rows: string[][] = [
    ["model", "update alone µs", "follower µs", "ratio, least of several", "must be", ""],
  ];
  for (const [name, followed] of Object.entries(FOLLOWED)) {
    const { times, plus } = followed.bound ?? { times: Infinity, plus: 0 };
    const over = ({ alone, whole }: { alone: number; whole: number }): number => (whole - plus) / alone;
    let least = { alone: 1, whole: Infinity };
    for (let i = quick ? 1 : 5; i > 0; i--) {
      const measured = await follows(followed, quick ? 50 : followed.records);
      if (over(measured) < over(least)) least = measured;
    }
    rows.push([
      name,
      least.alone.toFixed(1),
      least.whole.toFixed(1),
      (least.whole / least.alone).toFixed(2),
      followed.bound === undefined ? "" : `≤ ${times}${plus === 0 ? "" : ` and ${plus} µs`}`,
      followed.bound === undefined ? "" : verdict(over(least) <= times),
    ]);
  }
  return { title: "A follower of a large model: each record's whole cost beside its update alone", rows };
}

const verdict = (met: boolean): string => (met ? "met" : "**missed**");

/** What waits is applied anew over somebody else's record: each once, and what that costs beside the update. */
async function rebasing(): Promise<Micro[number]> {
  const rows: string[][] = [
    [
      "pending",
      "updates",
      "must be",
      "",
      "update alone µs",
      "whole µs each, least of several",
      "must be",
      "",
    ],
  ];
  for (const pending of [1, 100, 1_000]) {
    const runs: Rebased[] = [];
    for (let i = quick ? 1 : 5; i > 0; i--)
      runs.push(await rebases(pending, quick ? 5 : 100_000 / pending / 5));
    const least = runs.reduce((one, other) => (other.whole < one.whole ? other : one));
    const most = Math.max(...runs.map(({ updates }) => updates));
    const barred = pending === 1_000;
    rows.push([
      pending.toLocaleString("en"),
      String(most),
      String(pending),
      verdict(most === pending && least.updates === pending),
      least.alone.toFixed(3),
      least.whole.toFixed(3),
      barred ? "≤ the update and 0.3 µs" : "",
      barred ? verdict(least.whole <= least.alone + 0.3) : "",
    ]);
  }
  return {
    title: "A rebase in Calla's client: one frame of somebody else's comes over so many pending",
    rows,
  };
}

async function heap(): Promise<Micro[number]> {
  const rows: string[][] = [["pending", "bytes of the message", "bytes beside it", "must be", ""]];
  for (const pending of quick ? [1_000] : [1_000, 5_000]) {
    const { message, whole } = await heapOfPending(pending);
    const beside = whole - message;
    rows.push([
      pending.toLocaleString("en"),
      message.toFixed(0),
      beside.toFixed(0),
      "≤ 2048",
      verdict(beside <= 2_048),
    ]);
  }
  return { title: "The client's heap for each pending dispatch", rows };
}

const micro: Micro = [
  codecs(),
  await rebase(),
  await rebasing(),
  await heap(),
  await trips(),
  await largeModels(),
  await followers(),
  presence(quick),
  await channelsPresence(quick),
  await syncPresence(quick),
  await groups(quick),
  await patches(quick),
];
if (sink === undefined) throw new Error("nothing was measured");
process.send?.(micro, () => process.exit());
