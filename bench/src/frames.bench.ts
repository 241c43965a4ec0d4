// What it costs to read a frame, whatever is in it: decoded, checked, its payload made values, or refused; beside a plain
// frame of the same bytes and a bare JSON.parse of the same text, in one process.
import { asFrame, clientFrames, DEFAULT_LIMITS } from "@calla/shared";
import type { ClientFrame, Format, PayloadCodec } from "@calla/shared";
import { serialiser } from "./fixtures.ts";
import { hostile, plain } from "./hostile-frames.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";

const quick = process.argv[2] === "quick";
const RUNS = quick ? 3 : 15;
const BYTES = 1_040_000;

/** What became of the last one. */
let verdict = "";

/** As a server does it, short of handing it on. */
function take(format: Format, codec: PayloadCodec, data: string | Uint8Array): void {
  try {
    const packet = format.decode(data, DEFAULT_LIMITS);
    verdict = "taken";
    for (const value of Array.isArray(packet) ? packet : [packet]) {
      const frame = asFrame(clientFrames, value);
      if (frame === undefined) return void (verdict = "protocol");
      if (frame.type === "TopicMessage") payload(codec, frame);
    }
  } catch (error) {
    verdict = String((error as { readonly code?: unknown }).code);
  }
}

function payload(codec: PayloadCodec, { messages }: Extract<ClientFrame, { type: "TopicMessage" }>): void {
  // More messages than a batch may hold are refused unread.
  if (messages.length > DEFAULT_LIMITS.maxBatch) return void (verdict = "a batch too large");
  try {
    for (const one of messages) codec.decodeMessage(one);
  } catch (error) {
    verdict = `message ${String((error as { readonly code?: unknown }).code)}`;
  }
}

/** Milliseconds of CPU: of what else the machine does, least is in it. */
function times(run: () => void): { readonly middle: number; readonly most: number } {
  run();
  const all = Array.from({ length: RUNS }, () => {
    const began = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1_000;
  });
  return { middle: median(all), most: Math.max(...all) };
}

function parse(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    // Some are no JSON on purpose.
  }
}

const rows: string[][] = [
  ["frame", "format", "KB", "what becomes of it", "ms", "of plain", "of JSON.parse", "most ms"],
];
for (const format of serialiser.formats) {
  const codec = serialiser.payload(format);
  const add = (title: string, frame: unknown): void => {
    const data = format.encode(frame);
    const { middle, most } = times(() => take(format, codec, data));
    const was = verdict;
    let same = format.encode(plain(data.length));
    // In MessagePack the same bytes hold more records.
    if (format.binary) same = format.encode(plain(Math.round((data.length * data.length) / same.length)));
    const beside = times(() => take(format, codec, same)).middle;
    const bare = typeof data === "string" ? times(() => parse(data)).middle : undefined;
    rows.push([
      title,
      format.name,
      (data.length / 1_024).toFixed(0),
      was,
      middle.toFixed(1),
      (middle / beside).toFixed(1),
      bare === undefined ? "" : (middle / bare).toFixed(1),
      most.toFixed(0),
    ]);
  };
  add("plain: records of five short fields", plain(BYTES));
  for (const [title, shape] of Object.entries(hostile)) add(title, shape(BYTES));
}

const tables: Micro = [
  { title: "Frames: the worst a client can say, beside a plain frame of the same bytes", rows },
];
process.send?.(tables, () => process.exit());
if (process.send === undefined) process.stdout.write(`${rows.map((row) => row.join(" | ")).join("\n")}\n`);
