import { CallaError } from "@calla/shared";
import { expect, test, vi } from "vitest";
import { fromPage } from "./page.ts";

const origin = "https://app.example";
test.each([
  ["a page", { href: `${origin}/board/1`, origin }, undefined, `${origin}/board/ws`],
  ["a worker of a file", { href: `${origin}/assets/worker.js`, origin }, undefined, `${origin}/assets/ws`],
  ["a worker made of a blob", { href: `blob:${origin}/0f8a`, origin }, undefined, `${origin}/ws`],
  [
    "a frame made of a text",
    { href: "about:srcdoc", origin: "null" },
    `${origin}/board/1`,
    `${origin}/board/ws`,
  ],
  [
    "an app's own scheme",
    { href: "capacitor://localhost/a/b", origin: "null" },
    undefined,
    "capacitor://localhost/a/ws",
  ],
])("[CL16] a relative url in %s", (_, location, baseURI, absolute) => {
  vi.stubGlobal("location", location);
  if (baseURI !== undefined) vi.stubGlobal("document", { baseURI });
  expect(fromPage("ws").href).toBe(absolute);
});

test.each([
  ["nowhere (Node, React Native)", undefined],
  ["a location that says nothing", {}],
  ["a worker made of a blob of nobody", { href: "blob:null/0f8a", origin: "null" }],
  ["a worker made of a text", { href: "data:text/javascript,1", origin: "null" }],
])("[CL16] in %s there is no page to be relative to, and that is said", (_, location) => {
  vi.stubGlobal("location", location);
  for (const url of ["/ws", "ws"]) {
    expect(() => fromPage(url)).toThrow(CallaError);
    expect(() => fromPage(url)).toThrow("give the transport an absolute url");
  }
});
