// phoenix.js's own Presence as the oracle: whatever is done on two nodes, the list of every client is the server's.
import fc from "fast-check";
import { Presence } from "phoenix";
import { describe, expect, it } from "vitest";
import { talk } from "../../../test/phoenix-talk.ts";
import type { Talker } from "../../../test/phoenix-talk.ts";
import { nodes, room, TOPIC } from "../../../test/presence-talk.ts";
import type { PresenceNode } from "../../../test/presence-talk.ts";
import { defineChannel, reply } from "../index.ts";
import type { JsonObject, PresenceList } from "../index.ts";

/** The same, tracked and told by itself. */
const declared = defineChannel("room:*")
  .presence({ key: ({ socketId }) => socketId, initial: () => ({ n: 0 }) })
  .handleIn("track", (said, { presence }) => attempt(() => presence.track(keyOf(said), {})))
  .handleIn("update", (said, { presence }) =>
    attempt(() => presence.update(keyOf(said), ({ n }) => ({ n: Number(n ?? 0) + 1 }))),
  )
  .handleIn("untrack", (said, { presence }) => attempt(() => presence.untrack(keyOf(said))))
  .handleIn("list", (_, { presence }) => attempt(() => presence.pushState()))
  .handleIn("raise", () => {
    throw new Error("boom");
  });
const keyOf = (said: unknown): string => (said as { key: string }).key;
function attempt(run: () => unknown) {
  try {
    run();
  } catch {
    return reply("error", {});
  }
  return reply();
}
/** Nothing is told by itself: the client asks for the state, behind diffs that it has heard already. */
const asked = room as unknown as typeof declared;

type Vsn = "1.0.0" | "2.0.0";
type Step =
  | readonly ["join" | "leave" | "gone" | "raise" | "list", client: number]
  | readonly ["track" | "update" | "untrack", client: number, key: string]
  | readonly ["turn"]
  | readonly ["pass", milliseconds: number];

/** A page with phoenix.js: what it hears of the topic goes to its Presence. */
class Page {
  readonly #node: PresenceNode;
  readonly #vsn: Vsn;
  readonly #heard = new Map<string, (payload: unknown) => void>();
  #client: Talker | undefined;
  #joins = 0;
  #refs = 0;
  #left = false;
  readonly #presence: Presence;
  /** How many are here, where that was said last. */
  count: number | undefined;

  constructor(node: PresenceNode, vsn: Vsn) {
    this.#node = node;
    this.#vsn = vsn;
    this.#presence = new Presence({
      on: (event: string, heard: (payload: unknown) => void) => void this.#heard.set(event, heard),
      joinRef: () => (this.#joins === 0 ? undefined : String(this.#joins)),
    });
  }
  /** It is joined, as far as it knows. */
  get listens(): boolean {
    return this.#client !== undefined && !this.#left;
  }
  /** Also where it has joined already: a duplicate join. */
  join(): void {
    this.#client ??= talk(this.#node.channels, { vsn: this.#vsn });
    this.#left = false;
    this.#joins++;
    this.say("phx_join");
  }
  say(event: string, payload: object = {}): void {
    if (this.#client === undefined) return;
    this.hear();
    const joinRef = String(this.#joins);
    const ref = event === "phx_join" ? joinRef : `r${++this.#refs}`;
    const frame =
      this.#vsn === "2.0.0"
        ? [joinRef, ref, TOPIC, event, payload]
        : { topic: TOPIC, event, payload, ref, join_ref: joinRef };
    this.#take(this.#client.say(frame));
  }
  end(by: "leave" | "gone" | "raise"): void {
    if (by !== "gone") this.say(by === "leave" ? "phx_leave" : "raise");
    else {
      this.#client?.gone();
      this.#client = undefined;
    }
    this.#left = true;
  }
  hear(): void {
    if (this.#client !== undefined) this.#take(this.#client.take());
  }
  #take(frames: readonly unknown[]): void {
    for (const frame of frames) {
      const [joinRef, event, payload] = Array.isArray(frame)
        ? [frame[0], frame[3], frame[4]]
        : [null, (frame as { event: string }).event, (frame as { payload: unknown }).payload];
      // As phoenix.js: what is of an earlier join is dropped.
      if (this.#left || (joinRef !== null && joinRef !== String(this.#joins))) continue;
      // Its channel has crashed: until it joins again it hears nothing more, and is not asked what it knows.
      if (event === "phx_error") this.#left = true;
      if (event === "presence_count") this.count = (payload as { count: number }).count;
      if (event === "presence_state") this.count = undefined;
      this.#heard.get(event as string)?.(structuredClone(payload));
    }
  }
  list(): unknown {
    return sorted(this.#presence.list((key, { metas }) => [key, metas as JsonObject[]] as const));
  }
}
const sorted = (entries: Iterable<readonly [string, readonly JsonObject[]]>): unknown =>
  Array.from(entries, ([key, metas]) => [
    key,
    metas.toSorted((a, b) => (refOf(a) < refOf(b) ? -1 : 1)),
  ]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
const refOf = (meta: JsonObject): string => meta["phx_ref"] as string;

const CLIENTS = 4;
const client = fc.nat(CLIENTS - 1);
const key = fc.constantFrom("ada", "bob", "__proto__", "7", "");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constantFrom(
        "join" as const,
        "join" as const,
        "leave" as const,
        "gone" as const,
        "raise" as const,
        "list" as const,
      ),
      client,
    ),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constantFrom("track" as const, "track" as const, "update" as const, "untrack" as const),
      client,
      key,
    ),
  },
  { weight: 2, arbitrary: fc.constant(["turn"] as const) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("pass" as const), fc.constantFrom(100, 1_000, 12_000)) },
);

async function played(channel: object, steps: readonly Step[], most: number): Promise<void> {
  const { all, settle, advance } = nodes({ channel, count: 2, limits: { maxPresenceList: most } });
  const pages = Array.from(
    { length: CLIENTS },
    (_, n) => new Page(all[n % 2]!, n % 4 < 2 ? "2.0.0" : "1.0.0"),
  );
  for (const [type, which, what] of steps) {
    const page = pages[which as number];
    if (type === "turn") await settle();
    else if (type === "pass") await advance(which);
    else if (type === "join") page!.join();
    else if (type === "leave" || type === "gone" || type === "raise") page!.end(type);
    else page!.say(type, type === "list" ? {} : { key: what, meta: { of: which } });
    for (const one of pages) one.hear();
  }
  await settle();
  if (channel === asked) for (const page of pages) page.say("list");
  await advance(25_000);
  const lists = all.map(({ channels }) => channels.presence.list(TOPIC) as PresenceList);
  expect(sorted(lists[1]!)).toEqual(sorted(lists[0]!));
  const listed = Array.from(lists[0]!.values()).reduce((sum, metas) => sum + metas.length, 0);
  for (const page of pages) {
    page.hear();
    if (!page.listens) continue;
    if (page.count === undefined) expect(page.list()).toEqual(sorted(lists[0]!));
    else expect(page.count).toBe(listed);
    if (listed > most) expect(page.count).toBe(listed);
    if (listed < most * 0.8) expect(page.count).toBe(undefined);
  }
  await Promise.all(all.map(({ channels }) => channels.stop()));
}

describe("phoenix.js's Presence", () => {
  it.each([
    ["that is told by itself", declared, Infinity],
    ["that clients ask for", asked, Infinity],
    ["above a limit, and below it again", declared, 4],
  ])(
    "[CP12] [CP13] lists what the server lists, of presence %s",
    async (_, channel, most) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => played(channel, steps, most)),
        { numRuns: 60 },
      );
    },
    60_000,
  );
});
