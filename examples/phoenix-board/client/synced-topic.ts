// A topic of a Calla server for a program that has a Phoenix client and nothing else: the reference for other languages,
// told frame by frame in docs/bridge.md. A change is shown at once and sent, under a number (mid), until the server has
// answered; so it happens once, whatever breaks. Outbox and identity are in memory: who stores one stores both.
import type { Channel, Socket } from "phoenix";
import { applyPatch } from "./json-patch.ts";
import type { Applied, Ended, Identity, Joined, Message, Outcome, Outcomes } from "./synced-types.ts";
import type { Patched, Paused, Pending, Place, Refused, Snapshot, Status } from "./synced-types.ts";

export class SyncedTopic<Model> {
  status: Status = "joining";
  code = ""; // why it is away, or closed
  userId: string | null = null;
  confirmed: Model | undefined; // what the server has said
  visible: Model | undefined; // that, with what is pending on top
  pending: readonly Pending<Model>[] = [];
  readonly channel: Channel;
  readonly #socket: Socket;
  readonly #identity: Identity;
  readonly #changed: () => void;
  #place: Place | undefined; // of the confirmed model; without one a join brings a model
  #clientId: string | undefined;
  #maxInFlight = 1;
  #last = 0; // the highest mid under this identity,
  #sent = 0; // that was ever sent,
  #said = 0; // that was sent since the last join; Infinity: none is to be sent for now
  #round = 0; // of sending all that has no outcome
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: Socket, identity: Identity, topic: string, changed: () => void) {
    [this.#socket, this.#identity, this.#changed] = [socket, identity, changed];
    const channel = (this.channel = socket.channel(topic, () => {
      const [settled, sent] = identity.client_id === this.#clientId ? [this.#settled, this.#sent] : [0, 0];
      return { form: "patch", settled, sent, ...(this.#place && { cursor: this.#place }) };
    }));
    channel.on("patch", ({ after, patch, ...place }: Patched) => {
      const fits = this.#place?.sequence === after;
      this.#told(fits ? applyPatch(this.confirmed as Model, patch) : undefined, place);
    });
    channel.on("snapshot", (told: Snapshot<Model>) => this.#told(told.model, told, told.reason));
    channel.on("settled", ({ outcomes }: Outcomes) => this.#decided(outcomes));
    channel.on("paused", ({ retry_after }: Paused) => this.#wait(retry_after));
    for (const event of ["unsubscribed", "closing"]) channel.on(event, (why: Ended) => this.#away(why));
    channel.onError(() => this.#away()); // phoenix.js joins again by itself,
    channel.onClose(() => this.#closed()); // and not after this
    const join = channel.join().receive("ok", (reply: Joined<Model>) => this.#joined(reply));
    join.receive("error", (why: Ended) => this.#away(why));
  }

  /** Several messages have one fate. `change`: what is shown meanwhile. Resolves when the server has decided. */
  dispatch(messages: readonly Message[], change: Pending<Model>["change"]): Promise<Outcome> {
    return new Promise((tell) => {
      const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
      this.pending = [...this.pending, { id, mid: ++this.#last, messages, change, tell }];
      if (this.status === "closed") this.#closed();
      this.#decided([]);
    });
  }

  get #undecided(): readonly Pending<Model>[] {
    return this.pending.filter(({ sequence }) => sequence === undefined);
  }
  get #settled(): number {
    return (this.#undecided[0]?.mid ?? this.#last + 1) - 1;
  }

  #joined({ client_id, secret, max_in_flight, outcomes, model, user_id, ...place }: Joined<Model>) {
    if (client_id !== this.#clientId) {
      // Under a fresh identity what was sent before is lost sight of, and what was not taken goes on from 1.
      const lost = this.#undecided.filter(({ mid }) => mid <= this.#sent);
      [this.#last, this.#sent] = [0, 0];
      for (const one of this.#undecided.slice(lost.length)) one.mid = ++this.#last;
      this.#decided(lost.map(({ id }) => ({ id, status: "unknown" })));
    }
    Object.assign(this.#identity, { client_id }, secret !== undefined && { secret });
    // All that has no outcome is sent again: the server answers what it has had as before.
    [this.#clientId, this.#maxInFlight, this.#said] = [client_id, max_in_flight, 0];
    [this.status, this.code, this.userId] = ["joined", "", user_id];
    this.#decided(outcomes);
    this.#told(model ?? this.confirmed, place, "other-history");
  }

  #decided(outcomes: Outcomes["outcomes"]): void {
    for (const { id, ...outcome } of outcomes) {
      const one = this.#undecided.find((one) => one.id === id);
      if (one && outcome.status === "ok") one.sequence = outcome.sequence;
      else this.pending = this.pending.filter((other) => other !== one);
      one?.tell(outcome);
    }
    this.#send();
    this.#show();
  }

  /** In order, and only what leaves at once: what a Phoenix client keeps for later may go out under another identity. */
  #send(said = this.#said): void {
    this.#said = said;
    if (said === 0) this.#round++;
    if (this.status !== "joined" || !this.#socket.isConnected()) return;
    const [settled, round] = [this.#settled, this.#round];
    for (const { id, mid, messages } of this.#undecided) {
      if (mid <= this.#said || mid > settled + this.#maxInFlight) continue;
      [this.#said, this.#sent] = [mid, Math.max(mid, this.#sent)];
      const push = this.channel.push("dispatch", { mid, id, settled, messages });
      push.receive("ok", (answer: Applied) => this.#decided([{ ...answer, id, status: "ok" }]));
      push.receive("error", (answer: Refused | { code?: undefined }) => {
        if (answer.code === undefined) this.#wait(1_000); // a word of channels: `rate_limited`
        else if (answer.code !== "mid-conflict") this.#decided([{ ...answer, id, status: "error" }]);
        else [this.#sent, this.#said] = [mid - 1, Infinity]; // not taken, nor is what follows
      });
      // The first of a round sends all again: if each did, they would be as many times more with each ten seconds.
      push.receive("timeout", () => round === this.#round && this.#said < Infinity && this.#send(0));
    }
  }

  /** Then all that has no outcome is sent again, in order: what the server has had it answers as before. */
  #wait(milliseconds: number): void {
    this.#said = Infinity;
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#send(0), milliseconds);
  }

  /** No model: a patch that does not fit, after which the next join brings one. */
  #told(model: Model | undefined, { sequence, mark }: Place, reason?: string): void {
    [this.confirmed, this.#place] = [model ?? this.confirmed, model && { sequence, mark }];
    // What was applied beyond it may be cut off the history (a backup), and the model never come so far.
    if (reason === "other-history")
      for (const one of this.pending) one.sequence &&= Math.min(one.sequence, sequence);
    this.#show();
    if (model === undefined) this.#socket.disconnect(() => this.#socket.connect());
  }

  #show(): void {
    this.pending = this.pending.filter(({ sequence = Infinity }) => sequence > (this.#place?.sequence ?? -1));
    this.visible = this.confirmed;
    for (const { change } of this.pending)
      this.visible &&= applyPatch(this.visible, change(this.visible)) ?? this.visible;
    this.#changed();
  }

  #away({ code, retryable }: Partial<Ended> = {}): void {
    [this.status, this.code] = ["away", code ?? this.code];
    if (retryable === false) this.channel.leave();
    if (code === "token-expired") this.#socket.disconnect(() => this.#socket.connect()); // the params have another
    this.#changed();
  }

  #closed(): void {
    const [lost, code] = [this.#undecided, this.code || "left"];
    const unsent = { status: "error", from: "calla", code } as const;
    [this.status, this.code, this.pending] = ["closed", code, []];
    for (const { mid, tell } of lost) tell(mid > this.#sent ? unsent : { status: "unknown" });
    this.#show();
  }
}
