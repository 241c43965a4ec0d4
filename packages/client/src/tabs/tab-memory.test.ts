import { expect, test, vi } from "vitest";
import { tabMemory } from "./tab-memory.ts";

/** A tab: what it remembers over reloads, and a page of it. */
function tab() {
  const kept = new Map<string, string>();
  const listeners = new Map<string, (() => void)[]>();
  return {
    kept,
    page() {
      listeners.clear();
      vi.stubGlobal("sessionStorage", {
        getItem: (key: string) => kept.get(key) ?? null,
        setItem: (key: string, value: string) => void kept.set(key, value),
      });
      vi.stubGlobal("addEventListener", (type: string, run: () => void) =>
        listeners.set(type, [...(listeners.get(type) ?? []), run]),
      );
      return tabMemory("calla app");
    },
    say: (type: string) => listeners.get(type)?.forEach((run) => run()),
  };
}

test("[TB1] a tab remembers its client of each server; that its page has left it says only when it leaves", () => {
  const { page, say } = tab();
  const memory = page();
  memory.write({ client: "a", left: false }, "one");
  memory.write({ client: "b", left: false }, "two");
  expect([memory.read("one"), memory.read("three")]).toEqual([{ client: "a", left: false }, undefined]);
  say("pagehide");
  expect([page().read("one"), page().read("two")]).toEqual([
    { client: "a", left: true },
    { client: "b", left: true },
  ]);
});

test("[TB1] a page that comes back from the cache has not left", () => {
  const { page, say } = tab();
  const memory = page();
  memory.write({ client: "a", left: false }, "");
  say("pagehide");
  say("pageshow");
  expect(page().read("")).toEqual({ client: "a", left: false });
});

test("[TB1] what is no note is none, and where nothing may be remembered nothing is", () => {
  const { page, kept } = tab();
  const memory = page();
  for (const text of ["", "{", "null", '{"client":5}', "[]"]) {
    kept.set("calla app", text);
    expect(memory.read("")).toBeUndefined();
  }
  vi.stubGlobal("sessionStorage", undefined);
  expect(() => memory.write({ client: "a", left: false }, "")).not.toThrow();
  expect(memory.read("")).toBeUndefined();
});
