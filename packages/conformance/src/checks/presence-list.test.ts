import { expect, it } from "vitest";
import { PresenceList, shownState } from "./presence-list.ts";

const metas = (...refs: string[]) => ({ metas: refs.map((ref) => ({ phx_ref: ref, of: ref.at(0) ?? "" })) });
const diff = (joins: object, leaves: object = {}) => ({ joins, leaves }) as never;

it("comes by diffs to what the server lists, whatever the order of keys and metas", () => {
  const list = new PresenceList();
  list.state({ anna: metas("a1"), zoë: metas("z1") });
  list.diff(diff({ anna: metas("a2") }));
  list.diff(diff({ bob: metas("b1") }, { zoë: metas("z1") }));
  expect(list.shown).toBe(shownState({ bob: metas("b1"), anna: metas("a2", "a1") }));
  expect(list.shown).not.toBe(shownState({ bob: metas("b1"), anna: metas("a1") }));
  // An update is both, in one.
  list.diff(diff({ anna: metas("a3") }, { anna: metas("a2") }));
  expect(list.shown).toBe(shownState({ bob: metas("b1"), anna: metas("a1", "a3") }));
});

it("keeps diffs that come before the state, and says them behind it", () => {
  const list = new PresenceList();
  list.diff(diff({ anna: metas("a1") }));
  list.diff(diff({}, { bob: metas("b1") }));
  list.state({ anna: metas("a1"), bob: metas("b1") });
  expect(list.shown).toBe(shownState({ anna: metas("a1") }));
});

it("has any text as a key", () => {
  const list = new PresenceList();
  list.state(JSON.parse('{"__proto__":{"metas":[{"phx_ref":"1"}]}}'));
  list.diff(diff({ constructor: metas("c1") }));
  expect(JSON.parse(list.shown).map(([key]: [string]) => key)).toEqual(["__proto__", "constructor"]);
});

it("takes no state without metas, and no meta without a phx_ref", () => {
  expect(() => shownState({ anna: {} })).toThrow("No metas: {}");
  expect(() => shownState({ anna: { metas: [{ phx_ref: "" }] } })).toThrow("without phx_ref");
  expect(() => shownState([])).toThrow("No presences: []");
});
