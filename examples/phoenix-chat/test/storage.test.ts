// What the browser remembers, over a storage that is tampered with, full or forbidden.
import { beforeEach, expect, test, vi } from "vitest";
import { loadMe, readUpTo, UnsentLines } from "../client/storage.ts";

/** As a browser's: its keys are its own properties. */
class FakeStorage {
  writes = 0;
  full = false;

  constructor() {
    for (const hidden of ["writes", "full"]) Object.defineProperty(this, hidden, { enumerable: false });
  }
  get #items(): Record<string, string> {
    return this as unknown as Record<string, string>;
  }
  getItem(key: string): string | null {
    return this.#items[key] ?? null;
  }
  setItem(key: string, value: string): void {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.writes++;
    this.#items[key] = value;
  }
  removeItem(key: string): void {
    delete this.#items[key];
  }
}

let storage: FakeStorage;
beforeEach(() => {
  storage = new FakeStorage();
  vi.stubGlobal("localStorage", storage);
});

const line = (id: string, at: number) => ({ id, text: id, at, room: "lobby" as const });
const put = (key: string, value: unknown): void => storage.setItem(key, JSON.stringify(value));

test("a page takes over what others have left unsent, in order and each line once", () => {
  put("chat:unsent:one", [line("c", 3), { ...line("a", 1), failed: "why" }]);
  put("chat:unsent:two", [line("b", 2), line("c", 3)]);
  const unsent = new UnsentLines();
  const all = [{ ...line("a", 1), failed: "why" }, line("b", 2), line("c", 3)];
  expect(unsent.takeOver()).toEqual(all);
  // They are its own now, and the next page's after it.
  expect(Object.keys(storage)).toHaveLength(1);
  expect(new UnsentLines().takeOver()).toEqual(all);
});

test("what is said is no longer kept, and nothing is written twice", () => {
  const unsent = new UnsentLines();
  unsent.takeOver();
  unsent.save([line("a", 1)]);
  const { writes } = storage;
  unsent.save([line("a", 1)]);
  expect(storage.writes).toBe(writes);
  unsent.save([]);
  expect(Object.keys(storage)).toEqual([]);
});

test.each([
  "no list",
  [null, 7, "text", {}],
  [{ ...line("a", 1), room: "cellar" }],
  [{ ...line("a", 1), text: "x".repeat(1_001) }],
  [{ ...line("a", 1), at: "now" }],
  [{ ...line("a", 1), failed: 1 }],
])("what is no unsent line is left out: %#", (stored) => {
  put("chat:unsent:one", stored);
  expect(new UnsentLines().takeOver()).toEqual([]);
});

test("a storage that takes nothing is admitted, and so is one that is not there", () => {
  const unsent = new UnsentLines();
  storage.full = true;
  unsent.save([line("a", 1)]);
  expect(unsent.kept).toBe(false);
  unsent.save([]);
  expect(unsent.kept).toBe(true);
  // What cannot be taken over stays where it is.
  storage.full = false;
  put("chat:unsent:one", [line("a", 1)]);
  storage.full = true;
  expect(new UnsentLines().takeOver()).toEqual([line("a", 1)]);
  expect(Object.keys(storage)).toEqual(["chat:unsent:one"]);
  vi.stubGlobal("localStorage", undefined);
  expect(new UnsentLines().takeOver()).toEqual([]);
  expect(loadMe().name).toMatch(/^\w+ \w+$/);
});

test("who one is stays, and what cannot be somebody is made anew", () => {
  const me = loadMe();
  expect(me.key).toMatch(/^[\w-]{20,64}$/);
  expect(loadMe()).toEqual(me);
  for (const [stored, name] of [
    [{ key: "short", name: " Ann " }, "Ann"],
    [{ key: me.key, name: "x".repeat(30) }, "x".repeat(24)],
  ] as const) {
    put("chat:me", stored);
    const { key, name: now } = loadMe();
    expect([key.length >= 20, now]).toEqual([true, name]);
  }
  for (const stored of [7, [], { name: " " }, { key: {}, name: [] }]) {
    put("chat:me", stored);
    expect(loadMe().name).toMatch(/^\w+ \w+$/);
  }
  storage.setItem("chat:read:lobby", "{");
  expect(readUpTo("lobby")).toBeUndefined();
});
