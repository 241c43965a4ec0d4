// One topic of a bridged client, from its join to its end: what it says becomes frames of the sync half, and what that says
// becomes replies and pushes. Not here: whose conversation it is (bridged-line.ts), what changed in a model (topic-view.ts).
import { authorTag, CallaError } from "@calla/shared";
import type { Clock, Cursor, ServerFrames, TargetKey } from "@calla/shared";
import { refused, reply } from "../channels/definition/results.ts";
import type { Joined, Refused } from "../channels/definition/results.ts";
import type { JoinedChannel } from "../channels/engine/joined-channel.ts";
import { jsonText, WrittenJson } from "../channels/wire/json.ts";
import type { Json, JsonObject } from "../channels/wire/message.ts";
import { SharedEvent } from "../channels/wire/shared-message.ts";
import type { BridgedLine, Closing, Connected, LineTopic } from "./bridged-line.ts";
import { ASK_AGAIN } from "../hub/awaited-topics.ts";
import { Dispatches } from "./dispatches.ts";
import { OwnPresence } from "./own-presence.ts";
import type { PlainFrame } from "./plain-frames.ts";
import type { PresenceTable } from "./presence-table.ts";
import { told } from "./told.ts";
import { isSame } from "./topic-view.ts";
import type { ShownState, TopicView } from "./topic-view.ts";
import {
  amended,
  dispatchWords,
  isRefused,
  outcomeOf,
  pushWords,
  recordsOf,
  trackOf,
  unsayable,
  unsayableText,
} from "./words.ts";
import type { JoinWords } from "./words.ts";

/** Where its assigns keep it. */
export const TOPIC = Symbol("bridged topic");

export interface BridgedTopicOptions {
  readonly line: BridgedLine;
  readonly target: TargetKey;
  /** Of its slice; an ephemeral one's too. */
  readonly version: number;
  /** Not there: an ephemeral topic's. */
  readonly view: TopicView | undefined;
  /** Not there: the slice lists nobody. */
  readonly presence: PresenceTable | undefined;
  readonly words: JoinWords;
  readonly clock: Clock;
  /** What the sync half takes of one frame. */
  readonly maxFrameBytes: number;
  readonly maxTokenBytes: number;
  /** It is over. */
  ended(): void;
}

export class BridgedTopic implements LineTopic {
  readonly target: TargetKey;
  /** What became of the join. */
  readonly answer: Promise<Joined<object> | Refused>;
  readonly #options: BridgedTopicOptions;
  readonly #line: BridgedLine;
  #resolve!: (answer: Joined<object> | Refused) => void;
  /** Of its subscription; 0: it has not asked for it yet. */
  #ref = 0;
  #connected: Connected | undefined;
  /** Its own tag in records. */
  #tag = 0;
  #settled: ServerFrames["Settled"] | undefined;
  /** What became of the mids below it has been told by a `Settled`. */
  #next = 0;
  /** Answered. */
  #isIn = false;
  #isOver = false;
  /** Bytes of the answer, until it is out. */
  #unsaid = 0;
  #channel: JoinedChannel | undefined;
  /** What is to be said once the channel has begun. */
  #waiting: (() => void)[] = [];
  /** Up to where its client has been told. */
  #told: Cursor = { sequence: 0, mark: 0 };
  readonly #dispatches: Dispatches;
  readonly #presence: OwnPresence;

  constructor(options: BridgedTopicOptions) {
    this.#options = options;
    this.#line = options.line;
    this.target = options.target;
    this.#dispatches = new Dispatches();
    const { clock, target } = options;
    this.#presence = new OwnPresence({
      clock,
      target,
      say: (frame) => this.#line.say(frame),
      whenHeard: (then) => this.#line.whenHeard(then),
      reply: (ref, said) => this.#now(() => this.#channel?.reply(ref, said)),
      untracked: (said) => this.#say("untracked", said),
    });
    this.answer = new Promise((resolve) => (this.#resolve = resolve));
  }

  // ---------------------------------------------------------------------------------------------------- the join

  welcome(connected: Connected): void {
    const { cursor, settled, sent } = this.#options.words;
    this.#connected = connected;
    this.#tag = authorTag(connected.clientId, this.target);
    this.#dispatches.most = 2 * connected.maxInFlight;
    this.#ref = this.#line.nextRef();
    this.#line.say({
      type: "Subscribe",
      target: this.target,
      ref: this.#ref,
      ...(cursor && { cursor }),
      settled,
      sent,
    });
  }

  /** Lets the client in, by what the frames behind `Settled` come to. */
  #enter(rest: JsonObject, shown?: ShownState): void {
    const { client_id, ...who } = this.#whoIsIn();
    const { sequence, next, outcomes, reason } = this.#settled!;
    this.#isIn = true;
    this.#settled = undefined;
    const { presence, words } = this.#options;
    if (presence !== undefined) this.#presence.begin(words.meta);
    const response = {
      client_id,
      ...who,
      version: this.#options.version,
      sequence,
      next,
      outcomes: outcomes.map(outcomeOf),
      reason,
      ...rest,
    };
    // Many join at once: what is large is written once for all of them.
    const said =
      shown === undefined
        ? response
        : new WrittenJson(`${jsonText(response).slice(0, -1)},"model":${shown.json}}`);
    this.#unsaid = shown?.json.length ?? 0;
    this.#line.unsaid(this.#unsaid);
    this.#resolve({ type: "joined", assigns: { [TOPIC]: this }, response: said as Json });
  }

  #whoIsIn(): JsonObject & { readonly client_id: string } {
    const { clientId, secret, userId, maxInFlight, refused: why } = this.#connected!;
    return {
      client_id: clientId,
      ...(secret === undefined ? {} : { secret }),
      user_id: userId,
      max_in_flight: maxInFlight,
      ...(why === undefined ? {} : { refused: why }),
    };
  }

  #refuse(said: JsonObject): void {
    this.#isIn = true;
    this.#over();
    this.#resolve(refused(said));
  }

  /** Nobody waits for the answer any more. */
  giveUp(): void {
    if (this.#isOver) return;
    const wasIn = this.#isIn;
    this.#leave(true);
    // The answer may be on its way already: its channel is not made, and the topic can be joined again at once.
    if (!wasIn) this.#resolve(refused("left"));
  }

  /** The answer is out. */
  begins(channel: JoinedChannel): void {
    this.#channel = channel;
    this.#isSaid();
    for (const say of this.#waiting.splice(0)) say();
  }

  // --------------------------------------------------------------------------------------- what its client says

  dispatch(payload: unknown, channel: JoinedChannel): unknown {
    const words = dispatchWords(payload);
    if (isRefused(words)) return misspoken(words.what);
    const { mid, id, settled, messages } = words;
    if (this.#options.view === undefined)
      return misspoken("An ephemeral topic takes `push`: nothing of it is numbered.");
    const frame = { type: "TopicMessage", target: this.target, mid, id, settled, messages } as const;
    const text = JSON.stringify(frame);
    const problem = unsayableText(text, this.#options.maxFrameBytes);
    if (problem !== undefined) return reply("error", problem);
    this.#dispatches.add(mid, id, messages, channel.ref, text.length);
    this.#line.write(text);
    return undefined;
  }

  push(payload: unknown): unknown {
    const messages = pushWords(payload);
    if (isRefused(messages)) return misspoken(messages.what);
    if (this.#options.view !== undefined) return misspoken("A topic with a model takes `dispatch`.");
    const frame = {
      type: "TopicMessage",
      target: this.target,
      mid: 0,
      id: "-",
      settled: 0,
      messages,
    } as const;
    const problem = this.#unsayable(frame);
    if (problem !== undefined) return problem;
    this.#line.say(frame);
    return reply({});
  }

  track(payload: unknown, channel: JoinedChannel): unknown {
    const { meta } = Object(payload) as { readonly meta?: Json };
    if (meta === undefined) return misspoken("track takes { meta }.");
    const problem = this.#unsayable(trackOf(this.target, meta));
    if (problem !== undefined) return problem;
    this.#presence.track(meta, channel.ref);
    return undefined;
  }

  untrack(): unknown {
    this.#presence.untrack();
    return reply({});
  }

  authenticate(payload: unknown): unknown {
    const { token } = Object(payload) as { readonly token?: Json };
    // It is to fit into a Hello, too.
    const problem = unsayable({ token }, this.#options.maxTokenBytes);
    if (problem !== undefined) return reply("error", problem);
    this.#line.authenticate(token);
    return reply({});
  }

  #unsayable(frame: object): unknown {
    const problem = unsayable(frame, this.#options.maxFrameBytes);
    return problem && reply("error", problem);
  }

  // ------------------------------------------------------------------------------------- what the sync half says

  hear(plain: PlainFrame): void {
    const { frame } = plain;
    if (this.#isOver || this.#ref === 0) return;
    // A model or records name no subscription: before the first word of this one they are of an older one, or granted.
    const isEarly = !this.#isIn && this.#settled === undefined;
    if (isEarly && (frame.type === "Snapshot" || frame.type === "TopicUpdate")) return;
    switch (frame.type) {
      case "Settled":
        return frame.ref === this.#ref ? this.#hearSettled(frame) : undefined;
      case "Snapshot":
        return this.#hearSnapshot(frame);
      case "TopicUpdate":
        return this.#hearUpdate(plain as PlainFrame<typeof frame>);
      case "Acknowledge": {
        const { mid, id, sequence, messages } = frame;
        return void this.#answer(mid, id, reply({ mid, sequence, ...amended(messages) }));
      }
      case "Rejected":
        return this.#hearRejected(frame);
      case "Paused": {
        const { from, code, retryAfter } = frame;
        this.#dispatches.forgetFrom(from);
        return this.#say("paused", { from, code, retry_after: retryAfter });
      }
      case "Unsubscribed":
        return frame.ref === this.#ref ? this.#hearUnsubscribed(frame) : undefined;
      case "Push":
        return this.#shared(
          told(
            plain,
            "pushed",
            () =>
              new SharedEvent("pushed", {
                pushes: frame.pushes.map(([author, userId, messages]) => ({
                  author,
                  user_id: userId,
                  messages: messages as readonly Json[],
                })),
              }),
          ),
        );
      case "Presence":
        return this.#shared(this.#options.presence!.told(plain as PlainFrame<typeof frame>));
      case "Untracked":
        return this.#presence.untracked(frame);
      default:
    }
  }

  #hearSettled(frame: ServerFrames["Settled"]): void {
    this.#next = frame.next;
    if (!this.#isIn) {
      this.#settled = frame;
      if (frame.resync !== "current") return;
      const { view, words } = this.#options;
      this.#told = { sequence: frame.sequence, mark: words.cursor?.mark ?? 0 };
      if (words.form === "patch") view?.now();
      return this.#enter({ mark: this.#told.mark, resync: "current" });
    }
    this.#settled = frame;
    const { sequence, next } = frame;
    const untold: JsonObject[] = [];
    for (const outcome of frame.outcomes) {
      const [mid, id] = outcome;
      const { status, ...response } = outcomeOf(outcome);
      if (!this.#answer(mid, id, reply(status as string, response))) untold.push(outcomeOf(outcome));
    }
    if (untold.length > 0 || frame.resync !== "current")
      this.#say("settled", { sequence, next, outcomes: untold });
  }

  #hearSnapshot(frame: ServerFrames["Snapshot"]): void {
    const { sequence, mark } = frame;
    if (!this.#isIn) return this.#shows(sequence, mark, "snapshot");
    this.#told = { sequence, mark };
    const shown = this.#options.view?.now();
    const event = this.#carried(() => shown?.snapshot(this.#settled?.reason ?? "snapshot"));
    if (event !== undefined) this.#shared(event);
  }

  /** Answers the join with all of the model. */
  #shows(sequence: number, mark: number, resync: "snapshot"): void {
    const shown = this.#options.view?.now();
    this.#told = { sequence, mark };
    if (this.#carried(() => shown?.json ?? "") !== undefined) this.#enter({ mark, resync }, shown);
  }

  #hearUpdate(plain: PlainFrame<ServerFrames["TopicUpdate"]>): void {
    const { frame } = plain;
    const { after, records, mark } = frame;
    const end = { sequence: after + records.length, mark };
    const { form } = this.#options.words;
    if (!this.#isIn) {
      if (form !== "message") return this.#shows(end.sequence, mark, "snapshot");
      this.#told = end;
      return this.#enter({ mark, resync: "messages", updates: recordsOf(frame) });
    }
    if (end.sequence <= this.#told.sequence) return;
    this.#ownOutcomes(frame);
    if (form === "message") {
      this.#told = end;
      return this.#shared(
        told(plain, "message", () => {
          const { sequence } = end;
          return new SharedEvent("message", { after, sequence, mark, records: recordsOf(frame) });
        }),
      );
    }
    // Where more has happened in this turn, one change tells all of it, behind the last outcome.
    const shown = this.#options.view?.now();
    if (shown === undefined || !isSame(shown, end)) return;
    const { view } = this.#options;
    const event = this.#carried(() =>
      form === "snapshot" ? shown.snapshot("changed") : view!.from(this.#told),
    );
    if (event === undefined) return;
    this.#shared(event);
    this.#told = end;
  }

  /** A record of its own is its outcome; said before what it changed. */
  #ownOutcomes({ after, authors, records }: ServerFrames["TopicUpdate"]): void {
    const own = authors.findIndex(([tag]) => tag === this.#tag);
    if (own < 0) return;
    const unasked: JsonObject[] = [];
    records.forEach(([, author, mid, id, messages], i) => {
      if (author !== own) return;
      const sequence = after + 1 + i;
      const taken = this.#dispatches.isAsSent(mid, id, messages) ? {} : amended(messages);
      if (!this.#answer(mid, id, reply({ mid, sequence, ...taken })) && mid >= this.#next)
        unasked.push({ mid, id, status: "ok", sequence, ...amended(messages) });
    });
    const last = unasked.at(-1);
    if (last === undefined) return;
    const sequence = after + records.length;
    this.#say("settled", { sequence, next: (last["mid"] as number) + 1, outcomes: unasked });
  }

  #hearRejected(frame: ServerFrames["Rejected"]): void {
    const { mid, id, from, code, details } = frame;
    this.#answer(mid, id, reply("error", { mid, from, code, details: details as Json }));
    if (from !== "calla" || code !== "mid-conflict") return;
    this.#say("mid_conflict", { mid, id });
    this.#line.forgetIdentity();
  }

  /** undefined: JSON cannot carry the model, which is the end of this topic here, and of no other. */
  #carried<T>(make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof CallaError) || error.code !== "invalid-value") throw error;
      this.#unsubscribe();
      this.#ended({ code: error.code, retryable: false });
      return undefined;
    }
  }

  #hearUnsubscribed(frame: ServerFrames["Unsubscribed"]): void {
    const { code, details } = frame;
    // Nobody here hears when the server has made it: whoever joins again asks.
    const isMissing = code === "missing";
    if (isMissing) this.#unsubscribe();
    const retryable = isMissing || frame.retryable;
    const retryAfter = isMissing ? (frame.retryAfter ?? ASK_AGAIN) : frame.retryAfter;
    this.#ended({
      code,
      retryable,
      ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
      ...(details === undefined ? {} : { details: details as Json }),
    });
  }

  #ended(said: JsonObject & { readonly retryable: boolean }): void {
    if (!this.#isIn) return this.#refuse(said);
    this.#say("unsubscribed", said);
    this.#farewell(said.retryable);
  }

  expiring(within: number): void {
    if (this.#isIn) this.#say("expiring", { within });
  }

  /** The server has ended the conversation. */
  over({ code, retryable, within }: Closing): void {
    if (!this.#isIn) return this.#refuse({ code, retryable, ...(within > 0 ? { retry_after: within } : {}) });
    this.#say("closing", { code, retryable, within });
    this.#farewell(retryable);
  }

  // ----------------------------------------------------------------------------------------------------- the end

  /** Its channel has ended. `goesOn`: its connection has not. */
  ends(goesOn: boolean): void {
    this.#leave(goesOn);
  }

  #leave(goesOn: boolean): void {
    if (this.#isOver) return;
    if (goesOn && this.#connected !== undefined) this.#unsubscribe();
    this.#over(goesOn);
  }

  #unsubscribe(): void {
    this.#line.say({ type: "Unsubscribe", target: this.target, ref: this.#ref });
  }

  /** The answer is written, or never will be. */
  #isSaid(): void {
    this.#line.unsaid(-this.#unsaid);
    this.#unsaid = 0;
  }

  #over(left = true): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isSaid();
    this.#presence.ends();
    this.#waiting = [];
    this.#line.leave(this, left);
    this.#options.ended();
  }

  /** Behind what is said before. Clients join again behind the one word, and not behind the other. */
  #farewell(retryable: boolean): void {
    const end = (): void => {
      const channel = this.#channel;
      this.#over();
      channel?.end({ type: "shutdown", why: "closed" }, retryable ? "phx_error" : "phx_close");
    };
    if (this.#channel === undefined) this.#waiting.push(end);
    else end();
  }

  // --------------------------------------------------------------------------------------------------- its voice

  /** False: nobody waits for that one. */
  #answer(mid: number, id: string, said: ReturnType<typeof reply>): boolean {
    const ref = this.#dispatches.take(mid, id);
    if (ref === undefined) return false;
    this.#now(() => this.#channel?.reply(ref, said));
    return true;
  }

  #say(event: string, payload: JsonObject): void {
    this.#now(() => this.#channel?.push(event, payload));
  }

  #shared(event: SharedEvent): void {
    this.#now(() => this.#channel?.pushShared(event));
  }

  #now(say: () => void): void {
    if (this.#channel === undefined) this.#waiting.push(say);
    else say();
  }
}

const misspoken = (what: string): unknown => reply("error", { code: "protocol", details: { problem: what } });
