// Words for conversations that are written by hand: what a client does, what it hears, and what Calla says in place of it.
import type { Json, Step } from "../recording/recording.ts";

/** The paths that most conversations use. */
export const SOCKET = "/socket/websocket?vsn=2.0.0";
export const V1_SOCKET = "/socket/websocket?vsn=1.0.0";
export const POLLS = "/quick/longpoll?vsn=2.0.0";
export const TOKEN = "{{token:1}}";

type Fields = Readonly<Record<string, Json>>;
const whoOf = (who: string | undefined): { who?: string } => (who === undefined ? {} : { who });

/** Opens a WebSocket. */
export const opens = (
  path = SOCKET,
  who?: string,
  more: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly protocols?: readonly string[];
  } = {},
): Step[] => [
  { ...whoOf(who), do: "upgrade", path, ...more },
  { ...whoOf(who), hear: "upgraded", headers: {} },
];
/** Opens one, and hears of one topic how channels of it end. */
export const watches = (about: string, who = "watcher"): Step[] => [
  { who, do: "upgrade", path: SOCKET, about },
  { who, hear: "upgraded", headers: {} },
  ...joins("watch:term", {}, { who }),
];
export const terminated = (topic: string, reason: string, who = "watcher"): Step =>
  hears([null, null, "watch:term", "terminated", { topic, reason }], who);

/** A request for a WebSocket that is refused. */
export const isRefused = (status: number, path: string, more: Parameters<typeof opens>[2] = {}): Step[] => [
  { do: "upgrade", path, ...more },
  { hear: "answer", status, headers: {}, body: "" },
];

export const says = (frame: Json, who?: string): Step => ({
  ...whoOf(who),
  do: "text",
  text: JSON.stringify(frame),
});
/** Says a text as it is. */
export const saysText = (text: string, who?: string): Step => ({ ...whoOf(who), do: "text", text });
export const saysBytes = (hex: string, who?: string): Step => ({ ...whoOf(who), do: "binary", hex });
export const hears = (json: Json, who?: string): Step => ({ ...whoOf(who), hear: "text", json });
export const hearsBytes = (hex: string, who?: string): Step => ({ ...whoOf(who), hear: "binary", hex });
export const isClosed = (code: number, who?: string): Step => ({ ...whoOf(who), hear: "close", code });
export const pauses = (ms: number): Step => ({ do: "pause", ms });

/** A reply of V2. */
export const replied = (
  topic: Json,
  [joinRef, ref]: readonly [Json, Json],
  response: Json = {},
  status = "ok",
): Json => [joinRef, ref, topic, "phx_reply", { status, response }];
export const closed = (topic: string, joinRef: Json = "1"): Json => [
  joinRef,
  joinRef,
  topic,
  "phx_close",
  {},
];
export const crashed = (topic: string, joinRef: Json = "1"): Json => [
  joinRef,
  joinRef,
  topic,
  "phx_error",
  { reason: "channel_crash" },
];
/** A topic that is not joined, and an event on it. */
export const unmatched = (topic: string, ref: Json): Json =>
  replied(topic, [null, ref], { reason: "unmatched topic" }, "error");

/** Joins, and is let in. */
export const joins = (
  topic: string,
  payload: Json = {},
  { who, ref = "1" }: { readonly who?: string | undefined; readonly ref?: string } = {},
): Step[] => [says([ref, ref, topic, "phx_join", payload], who), hears(replied(topic, [ref, ref]), who)];
/** Says an event, and hears the answer. */
export const asks = (topic: string, ref: string, event: string, payload: Json, response: Json): Step[] => [
  says(["1", ref, topic, event, payload]),
  hears(replied(topic, ["1", ref], response)),
];
/** The connection is alive. */
export const beats = (who?: string, ref = "99"): Step[] => [
  says([null, ref, "phoenix", "heartbeat", {}], who),
  hears(replied("phoenix", [null, ref]), who),
];

/** Hex that is written in groups. */
export const hex = (groups: string): string => groups.replaceAll(" ", "");
/** A binary frame, in hex: a kind, its fields by their lengths, its data. */
export const frame = (kind: number, fields: readonly string[], data = ""): string => {
  const bytes = fields.map((field) => Buffer.from(field));
  return (
    Buffer.concat([Buffer.of(kind, ...bytes.map(({ length }) => length)), ...bytes]).toString("hex") + data
  );
};

/** What answers in JSON have. */
export const JSON_HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
};
const NDJSON = "application/x-ndjson";

export const gets = (who: string, path: string, headers: Readonly<Record<string, string>> = {}): Step => ({
  who,
  do: "request",
  method: "GET",
  path,
  ...(Object.keys(headers).length > 0 ? { headers } : {}),
});
/** Posts frames, a line each. */
export const posts = (who: string, path: string, ...frames: readonly Json[]): Step => ({
  who,
  do: "request",
  method: "POST",
  path,
  headers: { "content-type": NDJSON },
  body: frames.map((line) => JSON.stringify(line)).join("\n"),
});
export const answers = (who: string, json: Fields, after?: number): Step => ({
  who,
  hear: "answer",
  status: 200,
  headers: JSON_HEADERS,
  json,
  ...(after === undefined ? {} : { after }),
});
/** Begins a LongPoll session; its token is `{{token:1}}`. */
export const begins = (who = "begin", path = POLLS): Step[] => [
  gets(who, path),
  answers(who, { status: 410, token: TOKEN, messages: [] }),
];
/** A request of that session. */
export const ofSession = (path = POLLS): string => `${path}&token=${TOKEN}`;
/** A poll's answer. */
export const told = (who: string, ...messages: readonly Json[]): Step =>
  answers(who, { status: 200, token: TOKEN, messages });
export const toldNothing = (who: string, after = 600): Step =>
  answers(who, { status: 204, token: TOKEN, messages: [] }, after);
