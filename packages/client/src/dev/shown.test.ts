// To whom a client shows itself. What it shows: packages/testing/test/whole/shown.test.ts, with a real server.
import { expect, test, vi } from "vitest";
import * as off from "../dev-off/shown.ts";
import type { Core } from "../engine/records.ts";
import { showToTests } from "./shown.ts";

const LIST = Symbol.for("calla.tests");
const core = {} as Core;

test("[PW10] only a test that has put a list there first is shown a client, and a second one is made when it asks", () => {
  const again = vi.fn();
  showToTests(core, again);
  const list: object[] = [];
  Object.assign(globalThis, { [LIST]: list });
  try {
    off.showToTests(core, again);
    expect(list).toEqual([]);
    showToTests(core, again);
  } finally {
    Reflect.deleteProperty(globalThis, LIST);
  }
  expect(list).toEqual([
    { look: expect.any(Function), ask: expect.any(Function), rest: expect.any(Function) },
  ]);
  expect(again).not.toHaveBeenCalled();
});
