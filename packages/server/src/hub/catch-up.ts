// How a subscription is brought up to date: open the target, look at the log, send what the client has missed, and every
// update from there on. Every step may take time, so after each the newest request counts: a subscription that is no
// longer the conversation's own is discarded (S43).
import { CallaError } from "@calla/shared";
import type { Cursor, ServerFrames, Subscription, TargetKey, WireOutcome } from "@calla/shared";
import type { Conversation, TargetSubscription } from "../connection/conversation.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import { storageError } from "../base/storage-outage.ts";
import type { WireFrame } from "../base/connection.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { Encoder } from "../context/encoder.ts";
import { sameCursor } from "../target/live-target.ts";
import type { LiveTarget } from "../target/live-target.ts";
import type { ClientRow, Outcome, ReadResult } from "../log/log.ts";
import type { ExpirySweep } from "../target/expiry.ts";
import type { CommitLoop } from "../target/commit-loop.ts";
import type { HeadWatch } from "./head-watch.ts";

/** What a client is sent after `Settled`. */
interface Resync {
  readonly resync: ServerFrames["Settled"]["resync"];
  readonly reason: string;
  readonly frames: readonly WireFrame[];
}

/** What became of a request. `outdated`: a newer one or the end of the connection overtook it. `slow`: not now. */
export type Joined = "joined" | "outdated" | "storage" | "version" | "removed" | "missing" | "slow";

/** Records fewer than these are sent without weighing them against a snapshot. */
const FEW_RECORDS = 16;

export class CatchUp {
  readonly #context: ServerContext;
  readonly #commitLoop: CommitLoop;
  readonly #headWatch: Pick<HeadWatch, "sure">;
  readonly #expiry: ExpirySweep;
  readonly #slowConsumers: SlowConsumers;

  constructor(
    context: ServerContext,
    commitLoop: CommitLoop,
    headWatch: Pick<HeadWatch, "sure">,
    expiry: ExpirySweep,
    slowConsumers: SlowConsumers,
  ) {
    this.#context = context;
    this.#slowConsumers = slowConsumers;
    this.#commitLoop = commitLoop;
    this.#headWatch = headWatch;
    this.#expiry = expiry;
  }

  /** Opens, looks, catches up and joins: at once where memory has it all. */
  join(
    conversation: Conversation,
    live: LiveTarget,
    subscription: TargetSubscription,
    asked: Subscription,
    why?: string,
  ): Joined | Promise<Joined> {
    const { engine } = live;
    if (
      engine !== undefined &&
      !this.#mustLook(live, asked) &&
      !this.#expiry.mustHold(live) &&
      !mustKnowRow(asked, conversation, live)
    ) {
      if (engine.state.removed) return "removed";
      if (isMissing(live)) return "missing";
      if (this.#slowConsumers.has(conversation)) return "slow";
      const catchUp = this.#fromMemory(conversation, live, asked.cursor, why);
      if (catchUp !== undefined)
        return this.#welcome(
          conversation,
          live,
          subscription,
          asked,
          catchUp,
          engine.row(conversation.clientId),
        );
    }
    live.users++;
    return this.#join(conversation, live, subscription, asked, why).finally(() => live.users--);
  }

  /** Other nodes may have written since; or it says so itself (FO4). */
  #mustLook(live: LiveTarget, { cursor }: Subscription, isFresh = false): boolean {
    return (
      live.unsure !== undefined ||
      (this.#context.log.shared && !isFresh) ||
      (cursor !== undefined && cursor.sequence > live.engine!.state.sequence)
    );
  }

  // oxlint-disable-next-line complexity -- reason: each branch is an answer of FO, in the order in which they are asked
  async #join(
    conversation: Conversation,
    live: LiveTarget,
    subscription: TargetSubscription,
    asked: Subscription,
    why: string | undefined,
  ): Promise<Joined> {
    const current = (): boolean =>
      conversation.phase === "open" && conversation.subscriptions.get(live.key) === subscription;
    // Nobody has waited for it before: it is read from now on, for this request, which needs no second look.
    const isFresh = live.engine === undefined && live.opening.length === 0;
    if (live.engine === undefined) await new Promise((resolve) => live.opening.push(resolve));
    if (!current()) return "outdated";
    const engine = live.engine;
    if (engine === undefined) return live.failure;
    if (this.#mustLook(live, asked, isFresh)) {
      const looked = await this.#headWatch.sure(live);
      if (!current()) return "outdated";
      if (!looked) return live.failure;
    }
    if (this.#expiry.mustHold(live)) {
      const held = await this.#hold(live);
      if (!current()) return "outdated";
      if (!held) return live.failure;
    }
    if (engine.state.removed) return "removed";
    if (isMissing(live)) return "missing";
    for (;;) {
      let row = engine.row(conversation.clientId);
      let state: Cursor = engine.state;
      if (mustKnowRow(asked, conversation, live)) {
        const known = await this.#commitLoop.row(live, conversation.clientId);
        if (!current()) return "outdated";
        if (known === undefined) return "storage";
        ({ row, state } = known);
        // No outcome that it is sent lies beyond the model that it is sent (TE22).
        if (engine.isBehind(row) || live.unsure !== undefined) {
          const looked = await this.#headWatch.sure(live);
          if (!current()) return "outdated";
          if (!looked) return live.failure;
          if (!sameCursor(engine.state, state)) continue;
        }
      }
      let catchUp = this.#fromMemory(conversation, live, asked.cursor, why);
      if (catchUp === undefined) {
        const read = await this.#readAfter(live, asked.cursor!);
        if (!current()) return "outdated";
        // In one step with the welcome: what lands in between would be in neither this nor an update (FO1).
        catchUp = this.#fromLog(conversation, live, asked.cursor!, why, read);
      }
      if (this.#slowConsumers.has(conversation)) return "slow"; // since it asked
      // While the log was read the row may have been outdated by another node's record, or a message of its own may have got
      // into doubt: then once more. If there was none the row has only left memory, as that of a quiet client does, and still
      // holds; asked for again it would drive out another's, and many that come at once would do that to each other (TE20).
      const known = engine.row(conversation.clientId) ?? (sameCursor(engine.state, state) ? row : undefined);
      if (known === undefined && (row !== undefined || mustKnowRow(asked, conversation, live))) continue;
      return this.#welcome(conversation, live, subscription, asked, catchUp, known);
    }
  }

  /** A topic that nobody has used for long is in use from now on; it may have been removed the moment before (LT6). */
  async #hold(live: LiveTarget): Promise<boolean> {
    try {
      await this.#expiry.hold(live);
    } catch (cause) {
      this.#context.report(storageError("touch", cause));
      return false;
    }
    return this.#commitLoop.look(live);
  }

  /** In one synchronous step: outcomes, what was missed, and from here on every update. */
  #welcome(
    conversation: Conversation,
    live: LiveTarget,
    subscription: TargetSubscription,
    asked: Subscription,
    { resync, reason, frames }: Resync,
    row: ClientRow | undefined,
  ): Joined {
    const settled = Math.max(asked.settled, row?.settled ?? 0);
    conversation.send({
      type: "Settled",
      target: live.wire,
      ref: subscription.ref,
      sequence: live.engine!.state.sequence,
      next: Math.max(row?.last ?? 0, asked.settled) + 1,
      outcomes: (row?.outcomes ?? []).filter((outcome) => outcome.mid > settled).map(wireOutcome),
      resync,
      reason,
    });
    for (const frame of frames) conversation.sendEncoded(frame);
    this.#context.observe?.({
      type: "resync",
      target: live.key,
      clientId: conversation.clientId,
      resync,
      reason,
      bytes: frames.reduce((sum, { bytes }) => sum + bytes.length, 0),
    });
    // The socket broke on the way, or an observer cut it off.
    if (conversation.phase !== "open" || conversation.subscriptions.get(live.key) !== subscription)
      return "outdated";
    subscription.live = true;
    if (conversation.sentTo instanceof Set) conversation.sentTo.delete(live.key);
    live.audience.current.add(conversation);
    live.lastUsed = this.#context.clock.monotonic();
    this.#expiry.used(live);
    return "joined";
  }

  /** What memory can answer; undefined: the log must be read. */
  #fromMemory(
    conversation: Conversation,
    live: LiveTarget,
    cursor: Cursor | undefined,
    why: string | undefined,
  ): Resync | undefined {
    const { encoder } = conversation;
    const { state } = live.engine!;
    if (cursor === undefined)
      return { resync: "snapshot", reason: why ?? "first", frames: live.snapshot(encoder) };
    if (cursor.sequence > state.sequence)
      return { resync: "snapshot", reason: "other-history", frames: live.snapshot(encoder) };
    const missed = live.engine!.recentAfter(cursor);
    if (missed !== undefined) return this.#records(conversation, live, cursor, missed, why);
    if (cursor.sequence === state.sequence)
      return { resync: "snapshot", reason: "other-history", frames: live.snapshot(encoder) };
    return undefined;
  }

  /** undefined: the log cannot be read. */
  async #readAfter(live: LiveTarget, cursor: Cursor): Promise<ReadResult | undefined> {
    try {
      const { maxCatchUp } = this.#context.limits;
      return await this.#context.log.read(
        live.key,
        cursor,
        Math.min(maxCatchUp + 1, Number.MAX_SAFE_INTEGER),
      );
    } catch (cause) {
      this.#context.report(storageError("read", cause));
      return undefined;
    }
  }

  #fromLog(
    conversation: Conversation,
    live: LiveTarget,
    cursor: Cursor,
    why: string | undefined,
    read: ReadResult | undefined,
  ): Resync {
    const snapshot = (reason: string): Resync => ({
      resync: "snapshot",
      reason,
      frames: live.snapshot(conversation.encoder),
    });
    if (read === undefined) return snapshot("storage");
    if (read.status !== "records") return snapshot(read.status);
    const { records } = read;
    const last = records.at(-1);
    if (last === undefined || records.length > this.#context.limits.maxCatchUp)
      return snapshot(why ?? "cheaper");
    const { state } = live.engine!;
    // Read beyond what this node has folded: send no more than its own state; the rest comes as an update.
    if (last.sequence > state.sequence) {
      const known = records.filter((record) => record.sequence <= state.sequence);
      if ((known.at(-1) ?? cursor).mark !== state.mark) return snapshot("other-history");
      return this.#records(conversation, live, cursor, known, why);
    }
    const rest = live.engine!.recentAfter(last);
    if (rest === undefined) return snapshot("compacted");
    return this.#records(conversation, live, cursor, [...records, ...rest], why);
  }

  /** The records, unless the whole model is cheaper or one of them is a whole model. */
  #records(
    conversation: Conversation,
    live: LiveTarget,
    cursor: Cursor,
    records: Parameters<LiveTarget["replay"]>[1],
    why: string | undefined,
  ): Resync {
    const { encoder } = conversation;
    if (records.length === 0) return { resync: "current", reason: "current", frames: [] };
    const snapshot = (reason: string): Resync => ({
      resync: "snapshot",
      reason,
      frames: live.snapshot(encoder),
    });
    if (records.some((record) => record.model !== undefined)) return snapshot("reset");
    if (records.length > this.#context.limits.maxCatchUp) return snapshot(why ?? "cheaper");
    const replay = live.replay(cursor, records, encoder);
    if (records.length > FEW_RECORDS) {
      if (sizeOf(live, encoder) < replay.bytes.length) return snapshot(why ?? "cheaper");
    }
    return { resync: "records", reason: why ?? "missed", frames: [replay] };
  }
}

/**
 * There may be outcomes that it does not know: it says so, or it has sent something before it was answered, or something is in
 * doubt. The model may have these messages all the same.
 */
const mustKnowRow = (
  { sent, settled }: Subscription,
  { clientId, sentTo }: Conversation,
  { key, engine }: LiveTarget,
): boolean =>
  sent > settled ||
  (sentTo !== undefined && (sentTo === "many" || sentTo.has(key))) ||
  engine?.isUnsureOf(clientId) === true;

/** Only the server makes such a topic, and it has not (TE23). */
export const isMissing = ({ slice, engine }: LiveTarget): boolean =>
  slice.created === "server" && engine?.state.sequence === 0;

/** Of a model that cannot be carried, Infinity: records still can. */
function sizeOf(live: LiveTarget, encoder: Encoder): number {
  try {
    return live.snapshot(encoder).reduce((bytes, frame) => bytes + frame.bytes.length, 0);
  } catch (error) {
    if (error instanceof CallaError && error.code === "invalid-value") return Infinity;
    throw error;
  }
}

const wireOutcome = (outcome: Outcome): WireOutcome =>
  "sequence" in outcome
    ? [outcome.mid, outcome.id, outcome.sequence, outcome.messages ?? [], null, null, null]
    : [outcome.mid, outcome.id, 0, [], outcome.from, outcome.code, outcome.details];

/** A subscription that asks for everything. */
export const fromNothing = (target: TargetKey, ref: number): Subscription => ({
  target,
  ref,
  settled: 0,
  sent: 1,
});
