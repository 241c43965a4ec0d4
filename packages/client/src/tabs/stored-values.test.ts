import { automatic, defineClass, json } from "@calla/shared";
import { expect, test } from "vitest";
import type { ClientChange, StoredClient } from "../storage/storage.ts";
import { codecOf, fromPlainClient, plainChange } from "./stored-values.ts";

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}
const serialiser = automatic(json()).with({
  classes: [defineClass("Point", Point, { encode: ({ x }) => x, decode: (x: number) => new Point(x) })],
});
const codec = codecOf(serialiser);
const entry = (mid: number, message: unknown, sequence?: number) => ({
  target: "t",
  mid,
  id: `${mid}`,
  messages: [message],
  at: 1,
  version: 1,
  ...(sequence === undefined ? {} : { sequence }),
});
const model = (value: unknown) => ({ version: 1, model: value, sequence: 1, mark: 1, usedAt: 1 });

test("[TB2] S45 messages and models are plain in the store, and come back as they were", () => {
  const value = { type: "put", at: new Point(-0), none: undefined };
  const [first, second] = [
    plainChange({ type: "entry", entry: entry(1, value) }, codec),
    plainChange({ type: "model", target: "t", model: model(value) }, codec),
  ] as [Extract<ClientChange, { type: "entry" }>, Extract<ClientChange, { type: "model" }>];
  expect(JSON.parse(JSON.stringify([first, second]))).toEqual([first, second]);
  const stored: StoredClient = {
    server: "s",
    user: null,
    entries: [first.entry],
    targets: new Map(),
    models: new Map([["t", second.model]]),
  };
  const found = fromPlainClient(stored, codec, (error) => expect.unreachable(String(error)));
  expect([found.entries, found.models]).toEqual([[entry(1, value)], new Map([["t", model(value)]])]);
});

test("[TB2] what cannot be read is reported: a model is left out, an undecided message is void, a settled one goes", () => {
  const gone = { type: "put", at: { $: "Gone", v: 1 } };
  const errors: unknown[] = [];
  const found = fromPlainClient(
    {
      server: "s",
      user: null,
      entries: [entry(1, gone), entry(2, gone, 5), entry(3, { type: "put" })],
      targets: new Map([["t", { settled: 0, last: 3 }]]),
      models: new Map([["t", model(gone)]]),
    },
    codec,
    (error) => errors.push(error),
  );
  expect(found.entries.map(({ mid, messages }) => [mid, messages.length])).toEqual([
    [1, 0],
    [3, 1],
  ]);
  expect([found.models.size, found.targets.size]).toEqual([0, 1]);
  expect(errors).toMatchObject(Array.from({ length: 3 }, () => ({ details: { reason: "corrupt" } })));
});
