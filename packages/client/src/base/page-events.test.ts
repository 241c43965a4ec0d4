// What a page says of its life, where there is a page, a part of one, or none.
import { describe, expect, test, vi } from "vitest";
import { onHide, onPageEnd, onWakeUp } from "./page-events.ts";

/** Listeners that can be called, and are taken away. */
function events() {
  const heard = new Map<string, (event: object) => void>();
  return {
    heard,
    addEventListener: (type: string, run: (event: object) => void) => void heard.set(type, run),
    removeEventListener: (type: string) => void heard.delete(type),
  };
}

/** Everything that a page may say, and who hears what of it. */
function saying(say: (type: string, event?: object) => void, ...stops: (() => () => void)[]) {
  const ends = stops.map((begin) => begin());
  for (const type of ["online", "offline", "visibilitychange", "pagehide"]) say(type, { persisted: false });
  return () => ends.forEach((end) => end());
}

const all = (told: string[]) => [
  () =>
    onWakeUp(
      () => void told.push("wake"),
      () => void told.push("doubt"),
    ),
  () => onHide(() => void told.push("store")),
  () => onPageEnd(() => void told.push("end")),
];

describe("[CL21] a page", () => {
  test("wakes up, doubts, stores and ends by what its window and its document say", () => {
    const [window, document] = [events(), { ...events(), visibilityState: "visible" }];
    const told: string[] = [];
    vi.stubGlobal("window", { ...window, document });
    // Each listens alone: the stand-in keeps one listener for each event.
    const say = (type: string, event: object = {}) => {
      window.heard.get(type)?.(event);
      document.heard.get(type)?.(event);
    };
    const [wakeUp, hide, pageEnd] = all(told);
    const stopped = [saying(say, wakeUp!)];
    expect(told.splice(0)).toEqual(["wake", "doubt", "wake"]);
    stopped.push(saying(say, hide!));
    expect(told.splice(0)).toContain("store");
    document.visibilityState = "hidden";
    say("visibilitychange");
    expect(told.splice(0)).toEqual(["store"]);
    stopped.push(saying(say, pageEnd!));
    expect(told.splice(0)).toContain("end");
    say("pagehide", { persisted: true });
    expect(told).not.toContain("end");
    for (const stop of stopped) stop();
    expect([window.heard.size, document.heard.size]).toEqual([0, 0]);
  });

  test.each([
    ["no window and no document", undefined, undefined],
    ["a window without listeners (React Native)", {}, undefined],
    ["a window without listeners, and a document without", { document: {} }, {}],
    ["a document, and a window without listeners", { document: events() }, events()],
    ["a window with listeners, and no document", events(), undefined],
    ["listeners that cannot be taken away", { addEventListener: () => undefined }, undefined],
    ["a document, and no window", undefined, events()],
  ])("with %s is none, and no obstacle", (_, window, document) => {
    vi.stubGlobal("window", window);
    vi.stubGlobal("document", document);
    for (const begin of all([])) expect(() => begin()()).not.toThrow();
  });

  test("that is a worker hears of the network by its own global", () => {
    const worker = events();
    vi.stubGlobal("addEventListener", worker.addEventListener);
    vi.stubGlobal("removeEventListener", worker.removeEventListener);
    const told: string[] = [];
    const stop = onWakeUp(
      () => void told.push("wake"),
      () => void told.push("doubt"),
    );
    worker.heard.get("online")?.({});
    worker.heard.get("offline")?.({});
    expect(told).toEqual(["wake", "doubt"]);
    stop();
    expect(worker.heard.size).toBe(0);
  });
});
