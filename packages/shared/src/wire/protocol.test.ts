import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientFrames } from "./client-frames.ts";
import { json } from "./json-format.ts";
import type { Spec } from "./guard.ts";
import { hashString } from "../values/hash.ts";
import { messagePack } from "./messagepack.ts";
import { mapPayloads } from "./payloads.ts";
import { asFrame, PROTOCOL_VERSION } from "./protocol.ts";
import { serverFrames } from "./server-frames.ts";
import type { ClientFrame, ClientFrames, ServerFrame, ServerFrames } from "./protocol.ts";

const message = { type: "added", item: "x" };
const said = { mid: 1, id: "AbCdEfGhIjK", settled: 0, messages: [message] };
const asked = { target: "list:1", ref: 1, cursor: { sequence: 4, mark: 99 }, settled: 0, sent: 1 };
const update = {
  after: 4,
  from: 99,
  at: 1_000,
  authors: [
    [7, "ada", 0],
    [8, null, 9],
  ],
  records: [[0, 0, 1, "AbCdEfGhIjK", [message]]],
  mark: 100,
} as const;

const client: { [K in keyof ClientFrames]: ClientFrames[K] } = {
  Hello: {
    type: "Hello",
    protocol: 1,
    identity: { clientId: "c", secret: "s" },
    slices: { "list:*": 1 },
    targets: [asked],
    attempt: [7, 1],
  },
  TopicMessage: { type: "TopicMessage", target: "list:1", ...said },
  Subscribe: { type: "Subscribe", ...asked },
  Unsubscribe: { type: "Unsubscribe", target: "list:1", ref: 1 },
  Resync: { type: "Resync", targets: [asked] },
  Track: { type: "Track", target: "list:1", meta: { name: "Ada" }, number: 5, watch: true, within: 9_000 },
  ListMembers: { type: "ListMembers", target: "list:1", ref: 1, after: 7, most: 100 },
  Authenticate: { type: "Authenticate", token: "t" },
  Ping: { type: "Ping", cursors: [["list:1", 4, 99]], presence: [["list:1", 4, 5]] },
};
const server: { [K in keyof ServerFrames]: ServerFrames[K] } = {
  Connected: {
    type: "Connected",
    clientId: "c",
    secret: "s",
    userId: "ada",
    now: 1_000,
    maxInFlight: 256,
    spread: 800,
  },
  Acknowledge: { type: "Acknowledge", target: "list:1", mid: 1, id: "AbCdEfGhIjK", sequence: 5 },
  Rejected: {
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id: "AbCdEfGhIjK",
    from: "app",
    code: "missing",
    details: {},
  },
  Paused: { type: "Paused", target: "list:1", from: 1, code: "busy", retryAfter: 200 },
  Settled: {
    type: "Settled",
    target: "list:1",
    ref: 1,
    sequence: 5,
    next: 2,
    outcomes: [[1, "AbCdEfGhIjK", 5, [], null, null, null]],
    resync: "records",
    reason: "missed",
  },
  TopicUpdate: { type: "TopicUpdate", target: "list:1", ...update },
  Push: { type: "Push", target: "list:1", pushes: [[7, "ada", [message]]] },
  Presence: {
    type: "Presence",
    target: "list:1",
    after: 3,
    at: 4,
    joins: [[7, "ada", { name: "Ada" }]],
    leaves: [8],
    count: 1,
  },
  Untracked: { type: "Untracked", target: "list:1", code: "rate", retryAfter: 1_000, details: {} },
  Members: { type: "Members", target: "list:1", ref: 1, members: [[7, "ada", {}]], more: false },
  Snapshot: {
    type: "Snapshot",
    target: "list:1",
    sequence: 5,
    mark: 100,
    version: 1,
    model: { items: ["x"] },
  },
  Version: { type: "Version", protocol: 1, slices: { "list:*": 2 }, terminal: true },
  Unsubscribed: { type: "Unsubscribed", target: "list:1", ref: 1, code: "forbidden", retryable: false },
  Expiring: { type: "Expiring", within: 60_000 },
  Pong: { type: "Pong", spread: 0 },
  Closing: { type: "Closing", code: "stopping", retryable: true, within: 1_000 },
};
const frames = [...Object.values(client), ...Object.values(server)];
const read = (value: unknown): ClientFrame | ServerFrame | undefined =>
  asFrame(clientFrames, value) ?? asFrame(serverFrames, value);
const hex = (bytes: string | Uint8Array): string =>
  typeof bytes === "string" ? bytes : [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A spec as one text. */
function shapeOf(spec: Spec): string {
  if (typeof spec === "string") return spec;
  if (!isFields(spec)) return `[${spec.map(shapeOf).join(spec[1] === "*" ? "" : ",")}]`;
  const fields = Object.entries(spec).map(([key, one]) =>
    key.endsWith("?") ? `${key.slice(0, -1)}:${shapeOf(one)}?` : `${key}:${shapeOf(one)}`,
  );
  return `{${fields.join(",")}}`;
}
const isFields = (spec: object): spec is { readonly [field: string]: Spec } => !Array.isArray(spec);

describe("protocol", () => {
  test("[PR1] the shape of all frames is pinned: if this fails, old peers no longer understand new ones; after the first release, raise PROTOCOL_VERSION", () => {
    const shapes = [clientFrames, serverFrames].flatMap((specs) =>
      Object.entries(specs).map(([type, spec]) => shapeOf({ type: JSON.stringify(type), ...spec })),
    );
    expect(hashString(shapes.join("\n"))).toMatchInlineSnapshot(`4166366247`);
    expect(PROTOCOL_VERSION).toBe(1);
  });

  test.each(frames.map((frame) => [frame.type, frame] as const))("[PR2] the bytes of %s", (_, frame) => {
    expect(json().encode(frame)).toMatchSnapshot("JSON");
    expect(hex(messagePack().encode(frame))).toMatchSnapshot("MessagePack");
    for (const format of [json(), messagePack()])
      expect(read(format.decode(format.encode(frame)))).toEqual(frame);
  });

  test.each(frames.map((frame) => [frame.type, frame] as const))(
    "[PR3] %s is refused with any field missing or of another kind",
    (_, frame) => {
      const anything = new Set(["model", "token", "details", "meta"]);
      const optional = new Set([
        "identity",
        "secret",
        "attempt",
        "cursor",
        "token",
        "model",
        "details",
        "spread",
        "meta",
        "within",
        "after",
        "number",
        "presence",
        "count",
        "retryAfter",
      ]);
      for (const key of Object.keys(frame)) {
        const { [key as "type"]: _dropped, ...rest } = frame;
        const wrong = { ...frame, [key]: Symbol("wrong") };
        expect(optional.has(key) ? undefined : read(rest), `without ${key}`).toBeUndefined();
        expect(anything.has(key) ? undefined : read(wrong), `${key} of another kind`).toBeUndefined();
      }
    },
  );

  test("[PR3] a tuple with an item too few or too many is refused, wherever it stands in a frame", () => {
    const tuples = (value: unknown, put: (other: unknown) => unknown): unknown[] => {
      if (typeof value !== "object" || value === null) return [];
      const inside = Object.entries(value).flatMap(([key, item]) =>
        key === "messages" || key === "model"
          ? []
          : tuples(item, (other) =>
              put(Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other }),
            ),
      );
      // A list of tuples, or of objects, may be of any length.
      if (!Array.isArray(value) || value.every((item) => typeof item === "object")) return inside;
      return [...inside, put(value.slice(0, -1)), put([...value, value.at(-1)])];
    };
    const wrong = [client.Hello, client.Ping, server.TopicUpdate, server.Settled, server.Push].flatMap(
      (frame) => tuples(frame, (other) => other),
    );
    expect(wrong.length).toBeGreaterThanOrEqual(10);
    for (const frame of wrong) expect([frame, read(frame)]).toEqual([frame, undefined]);
  });

  test("[PR3] reading is total, and sees own fields only", () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }),
        (value) => void read(value),
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.anything(), (frame, value) => {
        for (const key of Object.keys(frame)) read({ ...frame, [key]: value });
      }),
    );
    expect(read(Object.create(client.Ping))).toBeUndefined();
    for (const type of ["constructor", "__proto__", "toString", "hasOwnProperty"])
      expect(read({ type })).toBeUndefined();
  });

  test("[PR8] messages are an array, of one, several or none; what is none is no frame", () => {
    const record = (messages: unknown) => ({ ...server.TopicUpdate, records: [[0, 0, 1, "a", messages]] });
    const outcome = (messages: unknown) => ({
      ...server.Settled,
      outcomes: [[1, "a", 5, messages, null, null, null]],
    });
    const ways = [
      (messages: unknown) => ({ ...client.TopicMessage, messages }),
      (messages: unknown) => ({ ...server.Acknowledge, messages }),
      (messages: unknown) => ({ ...server.Push, pushes: [[7, "ada", messages]] }),
      record,
      outcome,
    ];
    for (const frame of ways) {
      for (const messages of [[], [message], [message, message], [null]])
        expect(read(frame(messages))).toEqual(frame(messages));
      for (const messages of [message, null, "text", { length: 1, 0: message }])
        expect(read(frame(messages))).toBeUndefined();
    }
  });

  test("[PR4] payloads, and only they, go through the codec", () => {
    const map = { message: () => "MESSAGE", model: () => "MODEL", details: () => "DETAILS" };
    const payloads = frames.map((frame) => [
      frame.type,
      JSON.stringify(mapPayloads(frame, map))
        .match(/MESSAGE|MODEL|DETAILS/g)
        ?.join() ?? "",
    ]);
    expect(Object.fromEntries(payloads)).toEqual({
      ...Object.fromEntries(frames.map(({ type }) => [type, ""])),
      TopicMessage: "MESSAGE",
      Rejected: "DETAILS",
      TopicUpdate: "MESSAGE",
      Push: "MESSAGE",
      Snapshot: "MODEL",
      Track: "DETAILS",
      Presence: "DETAILS",
      Untracked: "DETAILS",
      Members: "DETAILS",
    });
    expect(mapPayloads({ ...client.Track, meta: undefined }, map)).toEqual({
      ...client.Track,
      meta: undefined,
    });
    for (const messages of [[], [message], [message, null]]) {
      const frame = { ...client.TopicMessage, messages };
      expect(mapPayloads(frame, map).messages).toEqual(messages.map(() => "MESSAGE"));
      expect(mapPayloads({ ...server.Acknowledge, messages }, map).messages).toEqual(
        messages.map(() => "MESSAGE"),
      );
    }
    const outcomes = {
      ...server.Settled,
      outcomes: [
        [1, "a", 0, [], "app", "missing", ["x"]],
        [2, "b", 6, ["x", "y"], null, null, null],
        [3, "c", 7, [], null, null, null],
      ],
    } as const;
    expect(mapPayloads(outcomes, map).outcomes).toEqual([
      [1, "a", 0, [], "app", "missing", "DETAILS"],
      [2, "b", 6, ["MESSAGE", "MESSAGE"], null, null, null],
      [3, "c", 7, [], null, null, null],
    ]);
  });

  test("[PR4] a frame whose payloads are carried as they are is not copied; of the others, only what has become another", () => {
    const same = { message: (value: unknown) => value, model: () => "MODEL", details: () => "DETAILS" };
    const carried = [client.TopicMessage, server.TopicUpdate, server.Push, server.Acknowledge];
    for (const frame of carried) expect(mapPayloads(frame, same)).toBe(frame);
    const record = [0, 0, 2, "b", [message, "y", message]] as const;
    const frame = { ...server.TopicUpdate, records: [...server.TopicUpdate.records, record] };
    const map = { ...same, message: (value: unknown) => (value === "y" ? "Y" : value) };
    const mapped = mapPayloads(frame, map).records;
    expect(mapped).toEqual([...server.TopicUpdate.records, [0, 0, 2, "b", [message, "Y", message]]]);
    expect(mapped[0]).toBe(server.TopicUpdate.records[0]);
    expect(record[4]).toEqual([message, "y", message]);
  });
});
