import { expect, test } from "vitest";
import { Authors } from "../server/authors.ts";
import { nameFor } from "../server/names.ts";
import type { Person } from "../shared/wiring.ts";

const ann = { name: "Ann", colour: "violet" } as const;
const bo = { name: "Bo", colour: "green" } as const;
const client = { clientId: "1", user: { id: "u" } };
const edited = { type: "cardEdited", id: "a", text: "Hello", by: bo } as const;

test("a message is by whom the client's session says, whatever the client says", async () => {
  const authors = new Authors(() => Promise.resolve(ann));
  await authors.know(client);
  expect(authors.stamped(edited, client)).toEqual({ ...edited, by: ann });
  const pointed = { type: "pointed", ...bo, at: null } as const;
  expect(authors.pointed(pointed, client)).toEqual({ type: "pointed", ...ann, at: null });
  // Where nobody is named there is nothing to stamp.
  const deleted = { type: "cardDeleted", id: "a" } as const;
  expect(authors.stamped(deleted, client)).toBe(deleted);
});

test("who has not introduced themselves is called what the server calls them", async () => {
  const authors = new Authors(() => Promise.resolve(null));
  await authors.know(client);
  expect(authors.stamped(edited, client)).toEqual({ ...edited, by: nameFor("u") });
});

test("who introduces themselves while their session is read has the last word", async () => {
  let read: (person: Person | null) => void = () => undefined;
  const authors = new Authors(() => new Promise((resolve) => (read = resolve)));
  const known = authors.know(client);
  authors.introduced("1", ann);
  read(bo);
  await known;
  expect(authors.stamped(edited, client)).toEqual({ ...edited, by: ann });
});

test("memory is bounded: who was longest not heard of is read again", async () => {
  let reads = 0;
  const authors = new Authors(() => Promise.resolve((reads++, ann)));
  for (let i = 0; i <= 10_000; i++) authors.introduced(String(i), bo);
  await authors.know({ clientId: "1", user: null });
  expect(reads).toBe(0);
  await authors.know({ clientId: "0", user: null });
  expect(reads).toBe(1);
});
