import { expect, it } from "vitest";
import type { Line } from "./line.ts";
import { Told } from "./told.ts";

const line: Line = { number: 3, said: 0, over: false, hear: () => undefined };
const asked = { method: "GET", path: "/lost", headers: {}, body: "" };

it("[KT10] tells as it happens, and keeps what was not recorded, up to a bound", () => {
  const events: string[] = [];
  const told = new Told((event) => events.push(event));
  told.came(line, asked);
  for (let i = 0; i < 1001; i += 1) told.unrecorded({ line, did: asked, until: [] });
  expect(events.slice(0, 2)).toEqual([
    "3 > GET /lost",
    "3 ! not recorded, so not answered: GET /lost (no recorded conversation begins so)",
  ]);
  expect(events).toHaveLength(1002);
  expect(told.report().unrecorded).toHaveLength(1000);
  expect(told.report().unrecorded[0]).toEqual({ connection: 3, said: "GET /lost", until: [], instead: [] });
});

it("[KT10] cuts what is long", () => {
  const events: string[] = [];
  new Told((event) => events.push(event)).came(line, { ...asked, body: "x".repeat(1000) });
  expect(events[0]?.length).toBeLessThan(320);
});
