// Which tabs hold a stream.
import { afterEach, expect, test, vi } from "vitest";
import { streamSlots } from "./slots.ts";
import type { SlotLocks } from "./slots.ts";

/** Web Locks of one browser. */
function locks(): SlotLocks & { readonly held: Set<string> } {
  const held = new Set<string>();
  return {
    held,
    async request(name, _options, hold) {
      if (held.has(name)) return hold(null);
      held.add(name);
      await hold({});
      held.delete(name);
    },
  };
}
afterEach(() => vi.unstubAllGlobals());

test("[HT10] as many streams of an origin as there may be; what is released another one takes", async () => {
  const browser = locks();
  const tabs = Array.from({ length: 3 }, () => streamSlots("http://a", 2, browser));
  const [first, second, third] = await Promise.all(tabs.map((tab) => tab.take()));
  expect([typeof first, typeof second, third]).toEqual(["function", "function", undefined]);
  expect(typeof (await streamSlots("http://b", 2, browser).take())).toBe("function");
  first?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(typeof (await tabs[2]?.take())).toBe("function");
  expect(await tabs[2]?.take()).toBeUndefined();
});

test("[HT10] a page that came by HTTP/2 or 3 needs no slot, as far as it is known of that very origin", async () => {
  const entries = [
    { name: "http://a/", nextHopProtocol: "h2" },
    { name: "http://b/x", nextHopProtocol: "http/1.1" },
    { name: "http://c/x", nextHopProtocol: "" },
  ];
  vi.stubGlobal("performance", { getEntriesByType: (type: string) => (type === "resource" ? entries : []) });
  const browser = locks();
  for (const origin of ["http://a", "http://b", "http://c", "http://aa"])
    await streamSlots(origin, 1, browser).take();
  expect([...browser.held]).toEqual(
    ["http://b", "http://c", "http://aa"].map((name) => `calla-stream ${name} 0`),
  );
});

test.each(["rejects", "throws"])(
  "[HT10] a page without the right to locks (a sandboxed frame) takes its chance: request %s",
  async (how) => {
    const request = (): Promise<never> => {
      const error = new Error("SecurityError");
      if (how === "throws") throw error;
      return Promise.reject(error);
    };
    expect(typeof (await streamSlots("http://a", 2, { request }).take())).toBe("function");
  },
);
