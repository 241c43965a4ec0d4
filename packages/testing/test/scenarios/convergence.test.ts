// S1 to S3: concurrent messages, staggered acknowledgements, and what arrives while own messages are under way.
import { expect, test } from "vitest";
import { applyMessages, sameValue, visitorOf } from "@calla/shared";
import type { Message } from "@calla/shared";
import { lanesOf } from "../../src/network/pair.ts";
import { VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import type { Actor } from "./actor.ts";
import type { NoteMessage } from "./wiring.ts";
import { FORMATS, note } from "./wiring.ts";
import type { FormatName } from "./wiring.ts";

/** Runs once for every way in which the choices can fall. Returns how many there were. */
async function everyWay(run: (choose: (options: number) => number) => Promise<void>): Promise<number> {
  let taken: { choice: number; of: number }[] = [];
  for (let runs = 1; ; runs++) {
    let at = 0;
    await run((of) => {
      taken[at] ??= { choice: 0, of };
      return taken[at++]!.choice;
    });
    while (taken.length > 0 && taken.at(-1)!.choice + 1 === taken.at(-1)!.of) taken = taken.slice(0, -1);
    const last = taken.at(-1);
    if (last === undefined) return runs;
    last.choice++;
  }
}

/** What the server's own order gives, folded from the beginning by the updates alone. */
function foldOf(stage: Stage): unknown {
  let model: unknown = note.initial();
  for (const place of stage.log.archive.get("note:1")?.paths.at(-1)?.places ?? []) {
    const { record } = place;
    if (record === undefined) continue;
    const { at, id, author, messages } = record;
    const visitor = author === null ? "" : visitorOf(author.clientId, author.userId, "note:1");
    const context = { at, userId: author?.userId ?? null, visitor, messageId: id };
    const applied = applyMessages(note, model, messages as readonly Message[], context, { strict: true });
    expect(applied.ok).toBe(true);
    if (applied.ok) ({ model } = applied);
  }
  return model;
}

/**
 * Each program is one client's; all orders of arriving at the server and coming back. `first`: everything is dispatched
 * before anything arrives; otherwise all orders of dispatching, too.
 */
async function interleave(
  programs: readonly (readonly NoteMessage[])[],
  { format = "json", first = false }: { readonly format?: FormatName; readonly first?: boolean },
): Promise<Set<string>> {
  const ends = new Set<string>();
  await everyWay(async (choose) => {
    const stage = new Stage();
    const actors: Actor[] = [];
    for (const [i] of programs.entries()) actors.push(await stage.actor(`client ${i}`, { format }));
    await stage.serve({ type: "reset", count: 2 });
    await stage.settle();
    const left = programs.map((program) => [...program]);
    for (const [i, actor] of actors.entries()) {
      for (const message of first ? left[i]!.splice(0) : []) {
        actor.dispatch(message);
        await stage.clock.settle();
      }
    }
    for (;;) {
      const steps: (() => void)[] = [];
      for (const [i, actor] of actors.entries()) {
        const { toServer, toClient } = actor.pair;
        // What a client says arrives before it speaks again or not; what it hears, all at once or later.
        if (left[i]!.length > 0) steps.push(() => void actor.dispatch(left[i]!.shift()!));
        if (toServer.packets.length > 0) steps.push(() => toServer.deliver(1));
        const answers = lanesOf(actor.pair.link!)
          .slice(2)
          .filter(({ packets }) => packets.length > 0);
        // With every answer to a POST by itself the longer programs would have a hundred times as many ways.
        if (toClient.packets.length > 0 || (first && answers.length > 0))
          steps.push(() => [toClient, ...(first ? answers : [])].forEach((lane) => lane.deliver()));
        if (!first) for (const lane of answers) steps.push(() => lane.deliver());
      }
      if (steps.length === 0) break;
      steps[choose(steps.length)]!();
      await stage.clock.settle();
    }
    // Over polls somebody has to ask once more.
    await stage.settle();
    const { model } = stage.place();
    expect(sameValue(model, foldOf(stage))).toBe(true);
    for (const actor of actors) expect(actor.model).toEqual(model);
    await stage.rest();
    ends.add(JSON.stringify(model));
  });
  return ends;
}

/** By requests there are ten times as many ways, and how bytes are written changes none of them: one format by each. */
const IN_EVERY_WAY: readonly FormatName[] =
  VIA === "socket" ? FORMATS : [VIA === "http" ? "json" : "messagepack"];

test.each(IN_EVERY_WAY)(
  "[S1] [RB2] two clients' messages that do not commute, every interleaving: each replica equals the server's fold (%s)",
  async (format) => {
    const ends = await interleave([[{ type: "counted", by: 3 }], [{ type: "doubled" }]], { format });
    // Both orders happened, and they differ.
    expect([...ends].map((end) => (JSON.parse(end) as { count: number }).count).toSorted()).toEqual([7, 9]);
  },
  60_000,
);

test("[S1] [RB2] a client's two messages and another's one, every interleaving: own order holds, each replica equals the server's fold", async () => {
  const programs: NoteMessage[][] = [
    [{ type: "counted", by: 3 }, { type: "doubled" }],
    [{ type: "spent", price: 4 }],
  ];
  const counts = [...(await interleave(programs, { first: true }))].map(
    (end) => (JSON.parse(end) as { count: number }).count,
  );
  // Spent last: 9 - 4. Spent between: (5 - 4) * 2. Spent first is refused (2 < 4): 9.
  expect(counts.toSorted()).toEqual([2, 5, 9]);
}, 60_000);

test.each(FORMATS)(
  "[S2] [RB3] acknowledgements arrive one by one while later messages are pending: no listener fires for what is shown already (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const models: unknown[] = [];
    const stop = anna
      .note()
      .select(({ model }) => model)
      .onChange((model) => models.push(model));
    const sent = [];
    for (const line of ["one", "two", "three", "four"]) {
      sent.push(anna.dispatch({ type: "added", line }));
      await stage.clock.settle();
    }
    const { model } = anna;
    expect(model?.lines).toEqual(["one", "two", "three", "four"]);
    expect(models).toHaveLength(4);
    // One POST is under way at a time, and the next carries what has gathered meanwhile.
    const shares = VIA === "socket" ? [1, 1, 1, 1] : [1, 3];
    let told = 0;
    for (const share of shares) {
      anna.pair.toServer.deliver(1);
      await stage.clock.settle();
      expect(anna.state().pending.map(({ id }) => id)).toEqual(sent.slice(told).map(({ write }) => write.id));
      expect(sent[told]!.told).toBeUndefined();
      await anna.hear();
      // Confirmed has k; k + 1 to n are pending on top; what is shown is the very same object.
      for (const [i, { write, told: by }] of sent.slice(told, told + share).entries()) {
        expect(write.state).toBe("applied");
        expect(by).toMatchObject({ is: "applied", sequence: told + i + 1 });
      }
      told += share;
      expect(anna.state().pending.map(({ id }) => id)).toEqual(sent.slice(told).map(({ write }) => write.id));
      expect(anna.model).toBe(model);
    }
    expect(models).toHaveLength(4);
    stop();
    await stage.rest();
    expect(models).toHaveLength(4);
  },
);

/** In everything that was shown with a model, from its dispatch on, the line is there exactly once. */
function shownOnce(actor: Actor, line: string): void {
  const shown = actor.shown
    .filter(({ model }) => model !== undefined)
    .map(({ model }) => model!.lines.filter((one) => one === line).length);
  const first = shown.indexOf(1);
  expect(first).toBeGreaterThanOrEqual(0);
  expect(new Set(shown.slice(first))).toEqual(new Set([1]));
  expect(shown.slice(0, first).every((times) => times === 0)).toBe(true);
  expect(actor.model?.lines.filter((one) => one === line)).toEqual([line]);
}

for (const resync of ["snapshot", "records"] as const) {
  const limits = resync === "snapshot" ? { maxCatchUp: 1 } : {};
  const reasons = resync === "snapshot" ? ["first", "cheaper"] : ["first"];

  test.each(FORMATS)(
    `[S3] [CL5] ${resync} from before an own message, while it is in flight: shown exactly once (%s)`,
    async (format) => {
      const stage = new Stage({ limits });
      const anna = await stage.actor("anna", { format });
      anna.client.disconnect();
      await stage.settle();
      const ben = await stage.actor("ben");
      for (const line of ["b1", "b2", "b3"]) ben.dispatch({ type: "added", line });
      await stage.settle();
      const sent = anna.dispatch({ type: "added", line: "mine" });
      await stage.clock.settle();
      anna.client.connect();
      // The handshake passes; then what was missed waits while her message is on its way.
      await stage.clock.settle();
      anna.pair.toServer.deliver();
      await stage.clock.settle();
      await anna.hear();
      expect(anna.pair.toServer.frames.map(({ type }) => type)).toContain("TopicMessage");
      expect(anna.model?.lines).toEqual(["b1", "b2", "b3", "mine"]);
      expect(sent.told).toBeUndefined();
      await stage.settle();
      expect(sent.told).toMatchObject({ is: "applied", sequence: 4 });
      shownOnce(anna, "mine");
      expect(anna.snapshots).toEqual(reasons);
      await stage.rest();
    },
  );

  test.each(FORMATS)(
    `[S3] [FO6] ${resync} with an own message inside, while it is in flight: shown exactly once, its outcome told (%s)`,
    async (format) => {
      const stage = new Stage({ limits });
      const anna = await stage.actor("anna", { format });
      const ben = await stage.actor("ben");
      const sent = anna.dispatch({ type: "added", line: "mine" });
      await stage.clock.settle();
      anna.pair.toServer.deliver();
      await stage.clock.settle();
      // The server has it; the connection dies before she hears of it.
      anna.pair.cut();
      await stage.clock.settle();
      for (const line of ["b1", "b2", "b3"]) ben.dispatch({ type: "added", line });
      await ben.pair.flush();
      expect(sent.told).toBeUndefined();
      expect(anna.model?.lines).toEqual(["mine"]);
      await stage.run(1_000);
      expect(anna.model?.lines).toEqual(["mine", "b1", "b2", "b3"]);
      expect(sent.told).toMatchObject({ is: "applied", sequence: 1 });
      shownOnce(anna, "mine");
      expect(anna.snapshots).toEqual(reasons);
      await stage.rest();
    },
  );
}

test.each([
  { first: "hers", lines: ["mine", "theirs"] },
  { first: "his", lines: ["theirs", "mine"] },
])(
  "[S3] [RB2] an update arrives while an own message is in flight, $first taken first: shown exactly once",
  async ({ first, lines }) => {
    for (const format of FORMATS) {
      const stage = new Stage();
      const anna = await stage.actor("anna", { format });
      const ben = await stage.actor("ben");
      const mine = anna.dispatch({ type: "added", line: "mine" });
      ben.dispatch({ type: "added", line: "theirs" });
      await stage.clock.settle();
      for (const { pair } of first === "hers" ? [anna, ben] : [ben, anna]) {
        pair.toServer.deliver();
        await stage.clock.settle();
        // Each update by itself, so that she sees his with hers still pending, or the other way round.
        await anna.hear(1);
        expect(anna.model?.lines.filter((line) => line === "mine")).toEqual(["mine"]);
      }
      if (VIA === "poll") await stage.settle();
      expect(mine.told).toMatchObject({ is: "applied" });
      expect(anna.model?.lines).toEqual(lines);
      shownOnce(anna, "mine");
      await stage.rest();
      expect(ben.model?.lines).toEqual(lines);
    }
  },
);

test.each(FORMATS)(
  "[S3] [RB7] a message dispatched while the topic still loads: shown with the first snapshot, exactly once (%s)",
  async (format) => {
    for (const order of ["message first", "snapshot first"] as const) {
      const stage = new Stage();
      await stage.serve({ type: "reset", count: 5 });
      const anna = await stage.actor("anna", { format, subscribes: false });
      if (order === "snapshot first") anna.subscribe();
      const sent = anna.dispatch({ type: "added", line: "mine" });
      expect(anna.model).toBeUndefined();
      await stage.clock.settle();
      anna.pair.toServer.deliver();
      await stage.clock.settle();
      if (order === "message first") {
        anna.subscribe();
        expect(anna.model).toBeUndefined();
      }
      await stage.settle();
      expect(sent.told).toMatchObject({ is: "applied", sequence: 2 });
      expect(anna.model).toMatchObject({ lines: ["mine"], count: 5 });
      shownOnce(anna, "mine");
      await stage.rest();
    }
  },
);
