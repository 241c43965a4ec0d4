import { expect, test } from "vitest";
import { handClock } from "../../test/wired.ts";
import { Peers } from "./peers.ts";

function watched(most = 10) {
  const { clock, advance } = handClock();
  const told: string[] = [];
  const peers = new Peers({
    clock,
    forgetAfter: 100_000,
    patience: 1_500,
    most,
    silent: ({ replica }) => void told.push(`${replica} is silent`),
    forgotten: ({ replica }) => void told.push(`${replica} is forgotten`),
  });
  const hear = (replica: string, { clock = 1, silence = 15_000 } = {}) =>
    peers.heard({ name: `name of ${replica}`, replica, born: 1 }, clock, silence);
  return { advance, told, peers, hear };
}

test("[PN25] a peer is silent once it has said nothing for as long as it said last, and no moment sooner", async () => {
  const { advance, told, peers, hear } = watched();
  hear("a");
  hear("b", { silence: 60_000 });
  await advance(14_999);
  hear("b", { silence: 20_000 });
  expect(told).toEqual([]);
  await advance(1);
  expect(told).toEqual(["a is silent"]);
  await advance(19_998);
  expect(told).toHaveLength(1);
  await advance(1);
  expect(told).toEqual(["a is silent", "b is silent"]);
  expect(peers.get("a")).toMatchObject({ gone: true });
});

test("[PN32] one that comes again is watched again, and is listed once all up to what it then says is known", async () => {
  const { advance, told, hear } = watched();
  hear("a")!.awaited = undefined;
  await advance(50_000);
  const peer = hear("a", { clock: 7 });
  expect(peer).toMatchObject({ gone: false, awaited: 7, clock: 7 });
  expect(hear("a", { clock: 3 })).toMatchObject({ awaited: 7, clock: 7 });
  await advance(15_000);
  expect(told).toEqual(["a is silent", "a is silent"]);
});

test("[PN32] one that stays silent is forgotten, under its name too", async () => {
  const { advance, told, peers, hear } = watched();
  hear("a");
  expect(peers.named("name of a")?.replica).toBe("a");
  await advance(115_000);
  expect(told).toEqual(["a is silent", "a is forgotten"]);
  expect([peers.size, peers.get("a"), peers.named("name of a")]).toEqual([0, undefined, undefined]);
});

test("[PN31] the one that has been gone for longest makes room; those that are there do not", async () => {
  const { advance, told, peers, hear } = watched(2);
  hear("a");
  await advance(1_000);
  hear("b");
  expect(hear("c")).toBeUndefined();
  await advance(20_000);
  expect(hear("c")).toMatchObject({ replica: "c" });
  expect(told).toEqual(["a is silent", "b is silent", "a is forgotten"]);
  expect(hear("d")).toMatchObject({ replica: "d" });
  expect([hear("e"), peers.size]).toEqual([undefined, 2]);
});

test("[PN27] nobody is watched any more once all stops, or one is deleted", async () => {
  const { advance, told, peers, hear } = watched();
  peers.delete(hear("a")!);
  hear("b");
  peers.stop();
  await advance(200_000);
  expect(told).toEqual([]);
});
