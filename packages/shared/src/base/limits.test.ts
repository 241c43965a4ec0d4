// That they are the documented ones is proven beside the page that documents them (server/src/base/limits.test.ts).
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "./limits.ts";

test("every default is a whole number above 0", () => {
  const wrong = Object.entries(DEFAULT_LIMITS).filter(
    ([, value]) => !Number.isSafeInteger(value) || value <= 0,
  );
  expect(wrong).toEqual([]);
});

/** Of two ceilings the second is never met where the first is lower: who meets one hears of the nearest. */
const ORDERS = {
  "a Hello is a frame": ["maxHelloBytes", "maxFrameBytes"],
  "a whole frame is read without being slowed down": ["maxFrameBytes", "byteBurst"],
  "a connection is not read before it has a frame's bytes": ["maxWaitingBytes", "maxFrameBytes"],
  "one address may hold a frame that is not whole": ["maxFrameBytes", "maxUnfinishedBytesPerAddress"],
  "one address holds a part of what all hold": ["maxUnfinishedBytesPerAddress", "maxUnfinishedBytes"],
  "items are values": ["maxEntries", "maxValues"],
  "names are of fields": ["maxNames", "maxEntries"],
  "a dispatch is in flight as a whole": ["maxBatch", "maxInFlight"],
  "one client does not fill a target's queue": ["maxInFlight", "maxQueued"],
  "a step takes a whole dispatch": ["maxBatch", "maxTurnMessages"],
  "the details of one refusal are a part of all": ["maxDetailsBytes", "maxOutcomeBytes"],
  "a connection catches up later before it is closed": ["collapseBytes", "maxBufferedBytes"],
  "a part of a snapshot alone makes nobody slow": ["snapshotPartBytes", "collapseBytes"],
  "the largest model fits on its way": ["maxModelBytes", "maxBufferedBytes"],
  "a model in memory takes more than its JSON": ["maxModelBytes", "maxModelMemory"],
  "a snapshot costs less than what it spares": ["snapshotEveryBytes", "maxModelBytes"],
  "a client is answered before it gives up": ["answerWithin", "helloTimeout"],
  "a Hello waits for one answer of the app": ["checkTimeout", "helloTimeout"],
  "a user's connections are of addresses": ["maxConnectionsPerUser", "maxConnectionsPerAddress"],
  "a target's rate is a part of all": ["topicMessageRate", "messageRate"],
  "a target's burst is a part of all": ["topicMessageBurst", "messageBurst"],
  "a second's messages may come at once": ["messageRate", "messageBurst"],
  "a second's subscribes may come at once": ["joinRate", "joinBurst"],
  "a second's identities may come at once": ["identityRate", "identityBurst"],
  "a connection may subscribe to all it may have at once": ["maxTopicsPerConnection", "joinBurst"],
  "an idle target leaves long before what it holds is too old": ["targetIdle", "sessionLifetime"],
  "a session outlives no identity": ["sessionLifetime", "identityLifetime"],
} as const satisfies Record<string, readonly [keyof typeof DEFAULT_LIMITS, keyof typeof DEFAULT_LIMITS]>;

test.each(Object.entries(ORDERS))("%s", (_, [lower, higher]) => {
  expect(DEFAULT_LIMITS[lower]).toBeLessThanOrEqual(DEFAULT_LIMITS[higher]);
});

test("one connection has a share of all calls of the app, and one user or address, a quarter, is more than that", () => {
  const { maxChecksPerConnection, maxChecks } = DEFAULT_LIMITS;
  expect(maxChecksPerConnection).toBeLessThan(maxChecks / 4);
});
