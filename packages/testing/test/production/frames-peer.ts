// The server of two clients that must stay alike (frames-twin.ts): it answers what they say, says what a server says, and
// between that what none would.
import { serverFrames } from "@calla/shared";
import type { ClientFrame, SteadyClock } from "@calla/shared";
import type * as Build from "./frames-twin.ts";
import type { FormatName, Twin } from "./frames-twin.ts";
import { Chance, mutated } from "./mutations.ts";
import type { Frame } from "./mutations.ts";

type Bytes = string | Uint8Array;

interface Timer {
  readonly at: number;
  readonly run: () => void;
}
/** Time stands still until it is moved, for both clients at once. */
class Time implements SteadyClock {
  #now = 0;
  #timers: Timer[] = [];
  now(): number {
    return 1_000_000 + this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  setTimeout(run: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + Math.max(milliseconds, 0), run };
    this.#timers.push(timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }
  defer(run: () => void): void {
    // Twice as fast as a microtask of Node's.
    void Promise.resolve().then(run);
  }
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.#timers) if (timer.at <= end && !(next && next.at <= timer.at)) next = timer;
      if (!next) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = end;
  }
}

/** Long enough for all that waits for promises only. */
async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await undefined;
}

/** What a frame holds and production does not look at, and what is right there. */
const OVERLOOKED: Readonly<Record<string, (frame: Record<string, unknown>) => void>> = {
  Connected: (frame) => delete frame["refused"],
  Rejected: (frame) => void (frame["from"] = frame["from"] === "calla" ? "calla" : "app"),
  Settled(frame) {
    if (typeof frame["reason"] !== "string") frame["reason"] = "first";
    if (frame["resync"] !== "snapshot") frame["resync"] = "records";
    for (const outcome of frame["outcomes"] as unknown[][])
      if (outcome[4] !== null && outcome[4] !== "calla") outcome[4] = "app";
  },
  Snapshot: (frame) => void (frame["version"] = 1),
  Version: (frame) => Object.assign(frame, { protocol: 1, slices: {} }),
  Expiring: (frame) => void (frame["within"] = 1),
};

/** The packet without what nobody reads: with no fields but those of its frames, and with the overlooked ones right. */
function tidied(packet: unknown): unknown {
  const frames = [packet].flat(1) as Record<string, unknown>[];
  return frames.map((frame) => {
    const type = frame["type"] as keyof typeof serverFrames;
    if (!(type in serverFrames))
      throw new Error(`production takes a frame of no type: ${JSON.stringify(frame)}`);
    const tidy: Record<string, unknown> = { type };
    for (const name of Object.keys(serverFrames[type]).map((key) => key.replace("?", "")))
      if (Object.hasOwn(frame, name)) tidy[name] = frame[name];
    OVERLOOKED[type]?.(tidy);
    return tidy;
  });
}

export interface Tally {
  /** How often each kind of mutation was made. */
  readonly kinds: Record<string, number>;
  /** Refused by both; taken by both; taken by production alone, which is what the other takes of it tidied. */
  refused: number;
  taken: number;
  overlooked: number;
  /** Of what production took: what changed something that can be seen. */
  changing: number;
  /** And of each type of frame. */
  readonly types: Record<string, number>;
  /** What was seen of the clients, by its kind. */
  readonly seen: Record<string, number>;
}
/** The kinds of what is seen of a client (frames-twin.ts). */
export const SEEN = [
  "state",
  "latest",
  "push",
  "stored",
  "outcome",
  "applied",
  "refused",
  "snapshot",
  "status",
  "connect",
  "reconnect",
] as const;
export const newTally = (): Tally => ({
  kinds: {},
  refused: 0,
  taken: 0,
  overlooked: 0,
  changing: 0,
  types: {},
  seen: {},
});

/** What a conversation is about: mostly one target, so that most of the time goes to what is mutated. */
const ABOUT = [
  ["list:1"],
  ["list:1"],
  ["list:1"],
  ["@"],
  ["@"],
  ["cursors"],
  ["@", "list:1", "list:2", "cursors"],
] as const;
const FORMATS: readonly FormatName[] = [
  "json",
  "json",
  "json",
  "json",
  "plain",
  "plain",
  "plain",
  "messagePack",
];
/** What reading a packet may end in, before any of its frames is taken. */
const OF_READING: ReadonlySet<string> = new Set([
  "undecodable",
  "hostile-key",
  "too-deep",
  "too-large",
  "invalid-value",
]);
/** Of the packets that neither build lets through, one in so many ends the connection; the others end at the guard. */
const DELIVERED = 32;

/** Plays one conversation with `count` mutated packets. Throws where the two are not alike. */
export async function converse(
  builds: { readonly production: typeof Build; readonly guarded: typeof Build },
  seed: number,
  count: number,
  tally: Tally,
): Promise<void> {
  const chance = new Chance(seed);
  const format: FormatName = chance.of(FORMATS);
  const targets: readonly string[] = chance.of(ABOUT);
  const models = targets.filter((one) => one !== "cursors");
  if (models.length === 0) models.push("list:3");
  const clocks = [new Time(), new Time()] as const;
  const [ours, theirs] = ([builds.production, builds.guarded] as const).map((build, i) =>
    build.start({ clock: clocks[i]!, random: new Chance(seed), format, targets }),
  ) as [Twin, Twin];
  const encode = (value: unknown): Bytes => builds.guarded.encode(value, format);
  let last: unknown = "nothing";

  // ---------------------------------------------------------------------------------------------------- what the server knows
  const cursors = new Map<string, { sequence: number; mark: number }>();
  const refs = new Map<string, number>();
  const inbox: {
    readonly target: string;
    readonly mid: number;
    readonly id: string;
    readonly messages: unknown;
  }[] = [];
  let clientId = "c1";
  let latestTag = 5;

  const fail = (what: string, a: unknown, b: unknown): never => {
    throw new Error(
      `seed ${seed}: ${what} differs after ${typeof last === "string" ? last : JSON.stringify(last)}\nproduction: ${String(a)}\nguarded:    ${String(b)}`,
    );
  };
  /** Both alike: what they said, and what became of them. */
  function alike(): { readonly said: readonly Bytes[]; readonly happened: string } {
    const [a, b] = [ours.sent(), theirs.sent()];
    if (a.length !== b.length || a.some((one, i) => String(one) !== String(b[i])))
      fail("what was sent", a, b);
    const [x, y] = [ours.happened(), theirs.happened()];
    if (x !== y) fail("what happened", x, y);
    if (x !== "")
      for (const kind of SEEN)
        if (x.includes(`["${kind}",`) || x.includes(`["${kind}"]`))
          tally.seen[kind] = (tally.seen[kind] ?? 0) + 1;
    if (ours.attempts !== theirs.attempts) fail("attempts", ours.attempts, theirs.attempts);
    for (const [name, { thrown }] of [
      ["production", ours],
      ["guarded", theirs],
    ] as const)
      if (thrown.length > 0)
        throw new Error(`seed ${seed}: ${name} threw after ${JSON.stringify(last)}`, { cause: thrown[0] });
    return { said: a, happened: x };
  }
  async function say(frames: readonly Frame[], mistaken: Bytes | undefined = undefined): Promise<void> {
    const data = mistaken ?? encode(frames.length === 1 ? frames[0] : frames);
    last = mistaken ?? frames;
    ours.receive(data);
    theirs.receive(data);
    await settle();
  }
  async function pass(milliseconds: number): Promise<void> {
    await clocks[0].advance(milliseconds);
    await clocks[1].advance(milliseconds);
  }

  // ------------------------------------------------------------------------------------------------------------------ its answers
  const cursorOf = (target: string) => {
    let cursor = cursors.get(target);
    if (!cursor || cursor.sequence > 2 ** 40)
      cursors.set(target, (cursor = { sequence: 1 + chance.below(9), mark: chance.uint32() }));
    return cursor;
  };
  const model = (): unknown => ({ items: ["a", "b"].slice(chance.below(3)), stamp: chance.below(3) });
  const nextMid = (target: string): number => inbox.find((one) => one.target === target)?.mid ?? 1;
  function settled(target: string, snapshot = true, chunks = false): Frame[] {
    const { sequence, mark } = cursorOf(target);
    const outcomes = inbox
      .filter((one) => one.target === target && chance.below(3) === 0)
      .map(({ mid, id }) =>
        chance.below(2)
          ? [mid, id, sequence, [], null, null, null]
          : [mid, id, 0, [], "app", "full", { n: 1 }],
      );
    for (const [mid] of outcomes)
      inbox.splice(
        inbox.findIndex((one) => one.target === target && one.mid === mid),
        1,
      );
    const frames: Frame[] = [
      {
        type: "Settled",
        target,
        ref: refs.get(target) ?? 0,
        sequence: target === "cursors" ? 0 : sequence,
        next: nextMid(target),
        outcomes,
        resync: snapshot ? "snapshot" : "current",
        reason: chance.of(["first", "other-history"]),
      },
    ];
    if (!snapshot) return frames;
    const head = { type: "Snapshot", target, sequence, mark, version: 1 };
    if (!chunks) return [...frames, { ...head, model: model() }];
    const whole = encode(model());
    const half = whole.length >> 1;
    return [
      ...frames,
      ...[whole.slice(0, half), whole.slice(half)].map((chunk, part) => ({ ...head, part, parts: 2, chunk })),
    ];
  }
  function subscribed(
    target: string,
    ref: number,
    cursor: { sequence: number; mark: number } | undefined,
  ): Frame[] {
    refs.set(target, ref);
    if (target === "cursors") return settled(target, false);
    const place = cursorOf(target);
    const current = cursor && cursor.sequence === place.sequence && cursor.mark === place.mark;
    return settled(target, !current, chance.below(4) === 0);
  }
  function answers(frame: ClientFrame): Frame[] {
    switch (frame.type) {
      case "Hello": {
        clientId = frame.identity?.clientId ?? `c${1 + chance.below(3)}`;
        const connected = {
          type: "Connected",
          clientId,
          secret: `secret of ${clientId}`,
          userId: "anna",
          now: 1_000_000,
          maxInFlight: 8,
        };
        inbox.length = 0;
        return [connected, ...frame.targets.flatMap((one) => subscribed(one.target, one.ref, one.cursor))];
      }
      case "Subscribe":
        return subscribed(frame.target, frame.ref, frame.cursor);
      case "TopicMessage":
        inbox.push({
          target: frame.target,
          mid: frame.mid,
          id: frame.id,
          messages: frame.messages,
        });
        return [];
      case "Ping":
        for (const [target, sequence, mark] of frame.cursors) cursors.set(target, { sequence, mark });
        return [{ type: "Pong" }];
      default:
        return [];
    }
  }
  /** Until nobody has a question. */
  async function serve(): Promise<string> {
    let all = "";
    for (let round = 0; ; round++) {
      const { said, happened } = alike();
      all += happened;
      if (said.length === 0) return all;
      if (round > 20)
        throw new Error(`seed ${seed}: no end of questions after ${JSON.stringify(last)}: ${said.join()}`);
      const frames = said.flatMap((data) => [builds.guarded.decode(data, format)].flat(1)) as ClientFrame[];
      const replies = frames.flatMap(answers);
      if (replies.length > 0) await say(replies);
    }
  }
  /** Connected again, however the last connection ended. */
  async function connected(): Promise<void> {
    for (let tries = 0; ours.connection !== "open" && ours.connection !== "unsure"; tries++) {
      if (tries > 50)
        throw new Error(
          `seed ${seed}: it does not come back after ${JSON.stringify(last)}: ${ours.connection} ${ours.reason}`,
        );
      if (ours.connection === "closed" || ours.connection === "outdated")
        for (const twin of [ours, theirs]) twin.connect();
      else if (ours.connection === "waiting") await pass(16 * 2 ** Math.min(tries, 16));
      await settle();
      for (const twin of [ours, theirs]) twin.open();
      await serve();
    }
  }

  // ------------------------------------------------------------------------------------------------------------- what it would say
  function update(): Frame[] {
    const target = chance.of(models);
    const { sequence: after, mark: from } = cursorOf(target);
    const own = inbox.filter((one) => one.target === target).slice(0, chance.below(3));
    for (const one of own) inbox.splice(inbox.indexOf(one), 1);
    const records = own.map(({ mid, id, messages }) => [0, 0, mid, id, messages]);
    for (let i = chance.below(3) + (records.length > 0 ? 0 : 1); i > 0; i--)
      records.push([
        chance.below(5),
        chance.below(3) - 1,
        1,
        `other ${chance.below(1e6)}`,
        [chance.below(5) ? { type: "added", text: `t${chance.below(5)}` } : { type: "cleared" }],
      ]);
    const mark = chance.uint32();
    cursors.set(target, { sequence: after + records.length, mark });
    return [
      {
        type: "TopicUpdate",
        target,
        after,
        from,
        at: 1_000_000,
        authors: [
          [ours.tag(clientId, target), "anna", 0],
          [chance.below(9), null, 77],
        ],
        records,
        mark,
        ...(chance.below(6) ? {} : { digest: 7 }),
      },
    ];
  }
  function outcome(): Frame[] {
    const one =
      inbox.length > 0
        ? inbox.splice(chance.below(inbox.length), 1)[0]!
        : { target: "list:1", mid: 1, id: "none" };
    const { target, mid, id } = one;
    if (chance.below(2))
      return [
        {
          type: "Rejected",
          target,
          mid,
          id,
          from: chance.of(["app", "calla"]),
          code: chance.of(["full", "forbidden"]),
          details: { n: 1 },
        },
      ];
    return [
      {
        type: "Acknowledge",
        target,
        mid,
        id,
        sequence: cursorOf(target).sequence + 1,
        messages: chance.below(2) ? [{ type: "cleared" }] : [],
      },
    ];
  }
  /** Rarely, for it takes another connection. */
  function ends(): Frame[] {
    return chance.of(chance.below(4) > 0 ? GENERATORS : ENDS)();
  }
  const GENERATORS: readonly (() => Frame[])[] = [
    update,
    update,
    update,
    update,
    update,
    outcome,
    outcome,
    outcome,
    () => settled(chance.of(models)),
    () => settled(chance.of(models), true, true),
    () => settled("cursors", false),
    () => [
      {
        type: "Paused",
        target: chance.of(models),
        from: nextMid("list:1"),
        code: chance.of(["gap", "busy"]),
        retryAfter: chance.below(50),
      },
    ],
    () => [
      {
        type: "Push",
        target: "cursors",
        pushes: [
          [latestTag++ % 7, chance.of(["anna", null]), [{ type: "moved", x: 1 }]],
          [3, null, []],
        ],
      },
    ],
    () => {
      const target = chance.of(targets);
      return [
        {
          type: "Unsubscribed",
          target,
          ref: refs.get(target) ?? 0,
          code: chance.of(["missing", "version", "busy"]),
          retryable: true,
          retryAfter: 5,
        },
      ];
    },
    () => [
      {
        type: "Connected",
        clientId,
        secret: "s",
        userId: "anna",
        now: 1_000_000,
        maxInFlight: 8,
        limits: [1_048_576, 100_000, 300_000, 10_000],
        spread: 3,
      },
    ],
    () => [{ type: "Pong", spread: chance.below(9) }],
    () => [{ type: "Expiring", within: 1_000 }],
    ends,
  ];
  const ENDS: readonly (() => Frame[])[] = [
    () => [{ type: "Version", protocol: 1, slices: { "list:*": 1 }, terminal: false }],
    () => [{ type: "Closing", code: "drain", retryable: true, within: chance.below(9) }],
  ];

  // --------------------------------------------------------------------------------------------------------------- the conversation
  async function mistake(frames: readonly Frame[]): Promise<void> {
    const { kind, data } = mutated(frames, chance, encode);
    tally.kinds[kind] = (tally.kinds[kind] ?? 0) + 1;
    const [passes, guarded] = [builds.production, builds.guarded].map((build) => build.passes(data, format));
    if (guarded && !passes) throw new Error(`seed ${seed}: production refuses ${String(data)}`);
    last = data;
    if (!passes && chance.below(DELIVERED) > 0) return void tally.refused++;
    ours.receive(data);
    theirs.receive(passes && !guarded ? encode(tidied(builds.production.decode(data, format))) : data);
    await settle();
    const unreadable = ours.reason === "unreadable";
    // Not by a part that had begun to take it, which might have left it half done.
    for (const { reported } of unreadable ? [ours, theirs] : [])
      if (!OF_READING.has(reported))
        throw new Error(`seed ${seed}: ${reported} while it was taken: ${String(data)}`);
    if (!passes && !unreadable) throw new Error(`seed ${seed}: it was not refused: ${String(data)}`);
    const happened = await serve();
    if (passes && !guarded) tally.overlooked++;
    else if (unreadable) tally.refused++;
    else tally.taken++;
    if (!unreadable) {
      for (const { type } of frames) tally.types[type] = (tally.types[type] ?? 0) + 1;
      if (happened !== "") tally.changing++;
      // Where it stands, by its own word.
      if (chance.below(3) === 0) {
        for (const twin of [ours, theirs]) twin.doubt();
        await serve();
      }
    }
    await connected();
  }

  await settle();
  await connected();
  for (let done = 0; done < count;) {
    if (ours.pending < 4 && chance.below(3) === 0) {
      const [place, message] = [
        chance.below(3),
        chance.below(5) ? { type: "added", text: `o${chance.below(4)}` } : { type: "cleared" },
      ];
      for (const twin of [ours, theirs]) twin.dispatch(place, message);
      await settle();
      await serve();
    }
    const frames = chance.of(GENERATORS)();
    for (let i = 1 + chance.below(20); i > 0 && done < count; i--, done++) await mistake(frames);
    await say(frames);
    await serve();
    await connected();
    if (chance.below(16) === 0) {
      await pass(chance.of([100, 1_000, 11_000]));
      await serve();
      await connected();
    }
  }
  for (const twin of [ours, theirs]) await twin.close();
  alike();
}
