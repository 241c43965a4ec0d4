import { expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import { Ear } from "./ear.ts";

const HEARTBEAT = 1_000;

/** An outbox whose frames go when the test says so. */
function started() {
  const { clock, advance } = handClock();
  const told: string[] = [];
  const outbox = {
    begun: 0,
    sent: 0,
    ping: () => void told.push("ping"),
    probe: () => void told.push("probe"),
  };
  const ear = new Ear({
    clock,
    heartbeat: HEARTBEAT,
    channel: "bell",
    outbox,
    works: () => void told.push("works"),
    dead: ({ details }) => void told.push((details as { readonly code: string }).code),
  });
  const say = (): number => {
    outbox.sent = ++outbox.begun;
    ear.said();
    return outbox.sent;
  };
  /** Without what goes by itself. */
  const events = (): string[] => told.filter((one) => one !== "ping");
  return { ear, outbox, say, advance, told, events };
}

test("[PG18] a line is tried at once, and works when it has heard what was said since it listens", async () => {
  const { ear, outbox, say, events, advance } = started();
  outbox.begun = 3; // under way as it begins to listen: it may hear it, or not
  ear.listens();
  ear.heard(3);
  expect(events()).toEqual(["probe"]);
  const own = say();
  ear.heard(undefined);
  ear.heard(own);
  ear.heard(own + 1);
  await advance(10 * HEARTBEAT);
  expect(events()).toEqual(["probe", "works"]);
  ear.close();
});

test("[PG18] one that hears others and never this node is deaf", async () => {
  const { ear, say, events, advance } = started();
  ear.listens();
  say();
  for (let n = 0; n < 10; n++) {
    ear.heard(undefined);
    await advance(HEARTBEAT / 8);
  }
  expect(events()).toEqual(["probe", "deaf"]);
});

test("[PG16] one that worked and is late, for it hears much of others, stays; one that hears nothing is silent", async () => {
  const { ear, say, events, advance } = started();
  ear.listens();
  ear.heard(say());
  const late = say();
  for (let n = 0; n < 20; n++) {
    ear.heard(undefined);
    await advance(HEARTBEAT / 2);
  }
  ear.heard(late);
  await advance(2 * HEARTBEAT);
  expect(events()).toEqual(["probe", "works"]);
  say();
  await advance(HEARTBEAT + 1);
  expect(events()).toEqual(["probe", "works", "silent"]);
});

test("[PG16] what is said while something is waited for is waited for too", async () => {
  const { ear, say, events, advance } = started();
  ear.listens();
  const first = say();
  await advance(HEARTBEAT / 2);
  say();
  ear.heard(first);
  await advance(HEARTBEAT * 1.5 + 1);
  expect(events()).toEqual(["probe", "works", "silent"]);
});

test("[PG16] what is heard in the moment after a standstill counts", async () => {
  const { ear, say, events, advance } = started();
  ear.listens();
  const own = say();
  await advance(HEARTBEAT - 1);
  const passed = advance(1);
  ear.heard(own);
  await passed;
  expect(events()).toEqual(["probe", "works"]);
});

test("[PG16] without a line nothing is expected; a new one is tried again", async () => {
  const { ear, say, events, advance, told } = started();
  ear.listens();
  say();
  ear.away();
  say();
  await advance(5 * HEARTBEAT);
  expect(events()).toEqual(["probe"]);
  expect(told.filter((one) => one === "ping")).toHaveLength(5);
  ear.listens();
  say();
  await advance(HEARTBEAT + 1);
  expect(events()).toEqual(["probe", "probe", "deaf"]);
  ear.close();
  await advance(5 * HEARTBEAT);
  expect(told.filter((one) => one === "ping")).toHaveLength(6);
});
