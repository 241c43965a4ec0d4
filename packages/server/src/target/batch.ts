// One batch of a target, being decided, one message after the other: dedupe, parse, authorise, amend, parse again,
// update (TE2). It ends as a flight: what to append, and what to tell once the append has landed. Not here: whether it lands
// (target-engine.ts).
import { checking } from "@calla/shared";
import type { Cursor, Limits, Message, ModelSlice, Random, Rejection, TargetKey } from "@calla/shared";
import { applyCarried, uncarried, updateError } from "./checked-apply.ts";
import type { Carrier } from "./checked-apply.ts";
import { dedupe, draftOf, isEmpty, remember, settle } from "./client-row.ts";
import type { RowDraft } from "./client-row.ts";
import { shortened } from "./details.ts";
import { pause } from "./effects.ts";
import type { Effect } from "./effects.ts";
import type { Admit, Intent } from "../app/intent.ts";
import type { ClientRow, LogRecord, Outcome } from "../log/log.ts";
import { chainMark, contextOf, wholeModel } from "../log/record.ts";
import type { Excess, Scales } from "../model/model-limits.ts";

export interface TargetState extends Cursor {
  readonly at: number;
  readonly model: unknown;
  /** A tombstone: only the server's own dispatch brings it back. */
  readonly removed: boolean;
}

export interface TargetOptions<Reply> {
  readonly target: TargetKey;
  readonly slice: ModelSlice;
  readonly state: TargetState;
  readonly admit: Admit<Reply>;
  readonly carrier: Carrier;
  readonly limits: Limits;
  readonly random: Random;
  readonly strict: boolean;
  /** Whose models have been reported to be over a limit already (LM7). */
  readonly told?: Set<TargetKey>;
  /** Hooks hear of each message with the model after it. Otherwise these models are not kept until the append lands. */
  readonly hooked: () => boolean;
}

/** What a batch needs besides: of the target's own. */
export interface BatchOptions<Reply> extends TargetOptions<Reply> {
  readonly scales: Scales;
}

export interface Flight<Reply> {
  /** Those that were decided, in order. */
  readonly intents: Intent<Reply>[];
  readonly state: TargetState;
  readonly records: LogRecord[];
  readonly rows: Map<string, RowDraft>;
  /**
   * Something is refused that was not before: its row must be in the log before anybody hears (TE19), or, where nothing
   * is kept of it, the head must be found where it was decided.
   */
  refused: boolean;
  /** Who has met a mid-conflict: nothing more is taken of it before a new Hello (TE5). */
  readonly midConflicts: Set<Reply>;
  /** Told when the flight lands, in order. */
  readonly tells: Effect<Reply>[];
}

/** One batch being decided: each intent sees the model that the ones before it left. */
export class Batch<Reply> {
  readonly effects: Effect<Reply>[] = [];
  readonly flight: Flight<Reply>;
  readonly #options: BatchOptions<Reply>;
  readonly #known: ReadonlyMap<string, ClientRow>;
  #state: TargetState;

  constructor(
    options: BatchOptions<Reply>,
    state: TargetState,
    known: ReadonlyMap<string, ClientRow>,
    now: number,
  ) {
    this.#options = options;
    this.#known = known;
    this.#state = { ...state, at: Math.max(state.at, now) };
    const batch = () => this.#state;
    this.flight = {
      intents: [],
      get state() {
        return batch();
      },
      records: [],
      rows: new Map(),
      refused: false,
      midConflicts: new Set(),
      tells: [],
    };
  }

  decide(intent: Intent<Reply>): void {
    this.flight.intents.push(intent);
    if (intent.row === "") return this.#accept(intent, undefined);
    // Nothing more is taken before a new Hello (TE5): what stands behind a conflict is sent again as another client's.
    if (this.flight.midConflicts.has(intent.reply)) return;
    // Nothing is kept of strangers, nor of topics that are not there (TE26, TE36).
    const { row: clientId } = intent;
    const missing = this.#isMissing(intent);
    const denied = intent.denied ?? (missing ? "missing" : undefined);
    if (denied !== undefined && isEmpty(this.#known.get(clientId)) && !this.flight.rows.has(clientId)) {
      const { reply, mid, id } = intent;
      this.flight.refused ||= missing;
      this.flight.tells.push({ type: "rejected", reply, mid, id, from: "calla", code: denied, details: {} });
      return;
    }
    const row = this.#draft(intent.row);
    settle(row, intent.settled);
    const found = dedupe(row, intent.mid, intent.id);
    const { reply, mid, id } = intent;
    switch (found.is) {
      case "next":
        if (this.#isFull(row)) {
          this.flight.tells.push(pause(intent, "in-flight"));
          return;
        }
        return this.#accept(intent, row);
      case "known":
        // With the flight: the outcome may be of this very batch and not yet durable (TE4).
        this.flight.tells.push(
          "sequence" in found.outcome
            ? { type: "applied", reply, ...found.outcome }
            : { ...found.outcome, type: "rejected", reply, mid, id },
        );
        return;
      case "early":
        this.flight.tells.push({ type: "pause", reply, from: found.from, code: "gap" });
        return;
      case "conflict":
        this.flight.midConflicts.add(reply);
        this.flight.tells.push({ type: "mid-conflict", reply, mid, id });
        return;
      default:
        found satisfies never;
    }
  }

  /** Its topic is not there, and this intent is not one to make it (TE23). */
  #isMissing({ author, unlessRemoved }: Intent<Reply>): boolean {
    const { slice } = this.#options;
    return (
      slice.created === "server" && this.#state.sequence === 0 && (author !== null || unlessRemoved === true)
    );
  }

  #isFull(row: RowDraft): boolean {
    const { maxInFlight, maxOutcomeBytes } = this.#options.limits;
    return row.outcomes.length >= maxInFlight || row.weight > maxOutcomeBytes;
  }

  #draft(clientId: string): RowDraft {
    const drafted = this.flight.rows.get(clientId);
    if (drafted !== undefined) return drafted;
    const row = draftOf(this.#known.get(clientId)!);
    this.flight.rows.set(clientId, row);
    return row;
  }

  #accept(intent: Intent<Reply>, row: RowDraft | undefined): void {
    if (intent.messages.length === 0 && intent.author !== null)
      return this.#refuse(intent, row, { from: "calla", code: "cancelled", details: {} });
    if (this.#state.removed && (intent.author !== null || intent.unlessRemoved === true)) {
      return this.#refuse(intent, row, { from: "calla", code: "removed", details: {} });
    }
    if (this.#isMissing(intent))
      return this.#refuse(intent, row, { from: "calla", code: "missing", details: {} });
    const admitted = this.#options.admit(intent, this.#state.model);
    if (!admitted.ok) return this.#refuse(intent, row, admitted);
    const { slice } = this.#options;
    const context = contextOf(this.#options.target, intent.author, this.#state.at, intent.id);
    const result = applyCarried(slice, this.#state.model, admitted.messages, context, this.#options);
    if (!result.ok) {
      if (result.error !== undefined) this.effects.push({ type: "report", error: result.error });
      return this.#refuse(intent, row, result.refusal);
    }
    const excess = this.#weigh(result.model, admitted.messages);
    if (excess !== undefined) return this.#refuse(intent, row, excess);
    if (this.#state.removed) this.#revive();
    const record = this.#record(intent, admitted.messages);
    this.#state = {
      sequence: record.sequence,
      mark: record.mark,
      at: record.at,
      model: result.model,
      removed: false,
    };
    this.flight.records.push(record);
    if (row !== undefined) {
      const { mid, id } = intent;
      const { sequence, messages } = record;
      // Its author may hear of it by the outcome alone (S9): the answer was lost, and a snapshot holds no messages.
      const outcome: Outcome = admitted.amended ? { mid, id, sequence, messages } : { mid, id, sequence };
      remember(row, outcome);
    }
    this.flight.tells.push({
      type: "accepted",
      intent,
      record,
      model: this.#options.hooked() ? result.model : undefined,
      amended: admitted.amended,
    });
  }

  /** Why nobody could have the model that these messages make (TE21, LM7). */
  #weigh(model: unknown, messages: readonly Message[]): Rejection | undefined {
    const { scales, slice, strict, carrier } = this.#options;
    const excess: Excess | undefined = scales.judge(this.#state.model, model);
    for (const error of scales.notices.splice(0)) this.effects.push({ type: "report", error });
    const wrong =
      excess === undefined && strict && model !== this.#state.model
        ? checking.within(slice, `carried: ${messages[0]?.type}`, () => uncarried(carrier, model))
        : excess?.code === "uncarried"
          ? excess.problem
          : undefined;
    if (wrong !== undefined) {
      this.effects.push({ type: "report", error: updateError(slice, messages, wrong, strict) });
      return { from: "calla", code: "update-threw", details: {} };
    }
    return excess?.code === "uncarried" ? undefined : excess && { from: "calla", ...excess };
  }

  #refuse(intent: Intent<Reply>, row: RowDraft | undefined, rejection: Rejection): void {
    const { mid, id, reply } = intent;
    this.flight.refused = true;
    const { from, code, details } = rejection;
    const kept = { from, code, details: from === "calla" ? shortened(details) : details } as Rejection;
    if (row !== undefined) remember(row, { mid, id, ...kept });
    // The server's own caller is told all of it: nothing of that crosses a wire.
    const told = intent.author === null ? rejection : kept;
    this.flight.tells.push({ type: "rejected", reply, mid, id, ...told });
  }

  #record(intent: Intent<Reply>, messages: readonly Message[]): LogRecord {
    const { sequence, mark, at } = this.#state;
    const record = {
      sequence: sequence + 1,
      mark: 0,
      version: this.#options.slice.version,
      at,
      author: intent.author,
      mid: intent.author === null ? 0 : intent.mid,
      id: intent.id,
      messages,
    };
    // A history begins with a random seed, so that another one with equal content has other marks (TE8). Written into
    // the record: a second object per record cost a third of a message's whole trip (12.6 against 8.4 µs).
    record.mark = chainMark(sequence === 0 ? this.#options.random.uint32() : mark, record);
    return record;
  }

  /** Return after remove: a record that holds the whole model, at the next sequence, with a fresh seed. */
  #revive(): void {
    const { sequence, at, model } = this.#state;
    const { slice, random } = this.#options;
    const id = `revived-${sequence + 1}`;
    const revived = wholeModel({ sequence: sequence + 1, version: slice.version, at, id }, model, random);
    this.flight.records.push(revived);
    this.#state = { sequence: revived.sequence, mark: revived.mark, at, model, removed: false };
  }
}
