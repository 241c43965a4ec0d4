// What the reference client makes of a patch.
import { expect, test } from "vitest";
import { applyPatch } from "../client/json-patch.ts";
import type { Patch } from "../client/json-patch.ts";

const model = Object.freeze({
  title: "x",
  list: Object.freeze([1, 2, 3]),
  deep: Object.freeze({ a: Object.freeze({ b: null }), "c/d~": 1, "": 0 }),
});

test.each<readonly [what: string, patch: Patch, after: object]>([
  ["nothing", [], {}],
  ["a field that is new", [{ op: "add", path: "/more", value: null }], { more: null }],
  ["a field in place of one", [{ op: "add", path: "/title", value: "y" }], { title: "y" }],
  [
    "a value replaced",
    [{ op: "replace", path: "/deep/a/b", value: [1] }],
    { deep: { ...model.deep, a: { b: [1] } } },
  ],
  ["a field removed", [{ op: "remove", path: "/deep/a" }], { deep: { "c/d~": 1, "": 0 } }],
  [
    "names that are escaped",
    [{ op: "replace", path: "/deep/c~1d~0", value: 2 }],
    { deep: { ...model.deep, "c/d~": 2 } },
  ],
  ["the empty name", [{ op: "replace", path: "/deep/", value: 2 }], { deep: { ...model.deep, "": 2 } }],
  ["an item before", [{ op: "add", path: "/list/0", value: 0 }], { list: [0, 1, 2, 3] }],
  ["an item at the end", [{ op: "add", path: "/list/3", value: 4 }], { list: [1, 2, 3, 4] }],
  ["an item last", [{ op: "add", path: "/list/-", value: 4 }], { list: [1, 2, 3, 4] }],
  ["an item removed", [{ op: "remove", path: "/list/1" }], { list: [1, 3] }],
  ["an item replaced", [{ op: "replace", path: "/list/2", value: 9 }], { list: [1, 2, 9] }],
  ["an item moved", [{ op: "move", from: "/list/0", path: "/list/2" }], { list: [2, 3, 1] }],
  [
    "a field moved",
    [{ op: "move", from: "/deep/a", path: "/list/0" }],
    { list: [{ b: null }, 1, 2, 3], deep: { "c/d~": 1, "": 0 } },
  ],
  [
    "one after the other",
    [
      { op: "remove", path: "/list/0" },
      { op: "replace", path: "/list/0", value: 0 },
    ],
    { list: [0, 3] },
  ],
])("%s", (_, patch, after) => {
  // What is given is frozen, and so is not changed.
  const made = applyPatch(model, patch);
  expect(made).toEqual({ ...model, ...after });
  // What no operation names is the same.
  for (const field of ["title", "list", "deep"] as const)
    if (!(field in after)) expect(made?.[field]).toBe(model[field]);
});

test.each<readonly [what: string, patch: Patch]>([
  ["a field that is not there", [{ op: "remove", path: "/none" }]],
  ["replaced, a field that is not there", [{ op: "replace", path: "/none", value: 1 }]],
  ["below nothing", [{ op: "add", path: "/none/x", value: 1 }]],
  ["below null", [{ op: "add", path: "/deep/a/b/x", value: 1 }]],
  ["below a text", [{ op: "add", path: "/title/0", value: 1 }]],
  ["an item beyond the end", [{ op: "add", path: "/list/4", value: 1 }]],
  ["an item that is none", [{ op: "add", path: "/list/x", value: 1 }]],
  ["a list's length", [{ op: "replace", path: "/list/length", value: 0 }]],
  ["removed, what is behind the last", [{ op: "remove", path: "/list/-" }]],
  ["moved from nowhere", [{ op: "move", from: "/none", path: "/title" }]],
  ["a prototype", [{ op: "replace", path: "/__proto__/x", value: 1 }]],
  [
    "the second of two",
    [
      { op: "remove", path: "/title" },
      { op: "remove", path: "/title" },
    ],
  ],
])("does nothing where a patch does not fit: %s", (_, patch) => {
  expect(applyPatch(model, patch)).toBeUndefined();
});
