// One topic of one connection, from its join to its end: what comes in is handed to the app's handlers one at a time, and
// what they return is said. Not here: which channel a frame is for (phoenix-socket.ts), how a join is decided (join.ts).
import { isBytes } from "@calla/shared";
import { contain, isThenable } from "../../base/contain.ts";
import type { ChannelDefinition, Checked, Handler } from "../definition/definition.ts";
import type { ReplyRef, StopReason } from "../definition/channel-types.ts";
import type { Push, Reply, StopWith } from "../definition/results.ts";
import { fitting } from "../definition/schema.ts";
import type { Fitting } from "../definition/schema.ts";
import { OwnPresence } from "../presence/channel-presence.ts";
import type { PresentChannel } from "../presence/present-channel.ts";
import type { WireFrame } from "../../base/connection.ts";
import type { ClientMessage, Json, Payload } from "../wire/message.ts";
import type { ChannelSerialiser } from "../wire/serialiser.ts";
import type { SharedEvent, SharedMessage } from "../wire/shared-message.ts";
import type { ChannelsContext } from "./channels-context.ts";
import { mustBePayload } from "./channels-context.ts";
import { Mailbox } from "./mailbox.ts";
import type { MailboxOwner } from "./mailbox.ts";
import type { Told } from "./words.ts";

/** Something for the channel to take in its turn. */
export type Item =
  | {
      readonly type: "message";
      readonly message: ClientMessage & { readonly event: string };
      readonly bytes: number;
    }
  | { readonly type: "raw"; readonly data: Uint8Array; readonly bytes: number }
  | { readonly type: "info"; readonly told: unknown; readonly bytes: 0 }
  | { readonly type: "leave"; readonly ref: Json; readonly bytes: number }
  | { readonly type: "begin"; readonly bytes: 0 };

/** How a channel's end is said to its client: `phx_close`, `phx_error`, or not at all. */
export type Farewell = "phx_close" | "phx_error" | undefined;

/** What a channel needs of its connection. */
export interface ChannelOwner {
  readonly id: string;
  readonly transport: "websocket" | "longpoll";
  readonly serialiser: ChannelSerialiser;
  /** Sends a frame. */
  say(frame: WireFrame): void;
  /** Something is to wait for a handler. False: too much does, and the connection ends. */
  waits(item: Pick<Item, "bytes">): boolean;
  /** It waits no more. */
  taken(item: Pick<Item, "bytes">): void;
  /** A channel has ended. */
  forget(channel: JoinedChannel): void;
  /** Says that a channel has ended. */
  bidFarewell(topic: string, joinRef: Json, farewell: "phx_close" | "phx_error"): void;
}

/** No event's name: what is told of a frame that has none. */
const RAW = "\0raw";

/** Remembers whether it was answered. */
class Ref implements ReplyRef {
  readonly topic: string;
  readonly ref: Json;
  readonly joinRef: Json;
  answered: boolean;

  constructor(topic: string, ref: Json, joinRef: Json, answered: boolean) {
    this.topic = topic;
    this.ref = ref;
    this.joinRef = joinRef;
    this.answered = answered;
  }
}

export class JoinedChannel implements PresentChannel, MailboxOwner<Item> {
  readonly topic: string;
  /** What its pushes and replies carry. */
  readonly joinRef: Json;
  /** What messages for it carry, and its end: null where the join had none, though `joinRef` is the join's ref then (W3). */
  readonly heldRef: Json;
  readonly definition: ChannelDefinition;
  /** Whose broadcasts it hears: its topic's, unless its definition says otherwise. It stays as it was at the join. */
  readonly audience: string;
  assigns: Readonly<Record<string, unknown>>;
  ended = false;
  /** It was accepted while its client waited. */
  #begun = false;
  /** Its client has said that it leaves, by this message; that waits for its turn. */
  #leave: { readonly ref: Json } | undefined;
  /** When what was said to this topic will have been paid for (token-bucket.ts). */
  paid = 0;
  readonly #context: ChannelsContext;
  readonly #socket: ChannelOwner;
  readonly #mailbox: Mailbox<Item>;
  #abort: AbortController | undefined;
  #presence: OwnPresence | undefined;
  /** The ref of the message that is being handled: not the message, which an idle channel would keep. */
  #current: Json | undefined;
  #ref: Ref | undefined;
  /** It was answered by what its handler returned. */
  #answered = false;

  constructor(
    context: ChannelsContext,
    socket: ChannelOwner,
    opened: {
      readonly topic: string;
      readonly joinRef: Json;
      readonly heldRef: Json;
      readonly definition: ChannelDefinition;
      readonly assigns: object;
    },
  ) {
    this.#context = context;
    this.#socket = socket;
    this.topic = opened.topic;
    this.joinRef = opened.joinRef;
    this.heldRef = opened.heldRef;
    this.definition = opened.definition;
    this.assigns = opened.assigns as Readonly<Record<string, unknown>>;
    this.audience = opened.definition.audience?.(this) ?? opened.topic;
    this.#mailbox = new Mailbox<Item>(this);
  }

  get socketId(): string {
    return this.#socket.id;
  }

  get transport(): "websocket" | "longpoll" {
    return this.#socket.transport;
  }

  get ref(): ReplyRef {
    return (this.#ref ??= new Ref(this.topic, this.#current ?? null, this.joinRef, this.#answered));
  }

  get signal(): AbortSignal {
    const abort = (this.#abort ??= new AbortController());
    if (this.ended) abort.abort();
    return abort.signal;
  }

  get presence(): OwnPresence {
    return (this.#presence ??= new OwnPresence(this.#context.presence, this));
  }

  assign(changes: object): void {
    this.assigns = { ...this.assigns, ...changes };
  }

  push(event: string, payload: Payload): void {
    mustBePayload(event, payload);
    if (this.ended) return;
    const { joinRef, topic } = this;
    this.#socket.say(this.#socket.serialiser.push({ joinRef, ref: null, topic, event, payload }));
  }

  pushShared(said: SharedEvent): void {
    if (this.ended) return;
    const { joinRef, topic } = this;
    const { event } = said;
    // What is written already is not looked at again.
    const json = said.json();
    const payload = json === undefined ? said.payload : {};
    this.#socket.say(this.#socket.serialiser.push({ joinRef, ref: null, topic, event, payload }, json));
  }

  broadcast(event: string, payload: Payload): void {
    this.#context.broadcast(this.audience, event, payload, undefined);
  }

  broadcastFrom(event: string, payload: Payload): void {
    this.#context.broadcast(this.audience, event, payload, this.socketId);
  }

  reply(ref: ReplyRef, answer: Reply): void {
    if (!(ref instanceof Ref))
      throw new TypeError("reply takes the `ref` of the socket whose message it answers.");
    // Phoenix says both answers, and one behind the end, whom clients drop.
    if (!this.#context.strictPhoenix && (this.ended || ref.answered)) return;
    ref.answered = true;
    this.#answer(ref.ref, answer.status, answer.response);
  }

  stop(reason: StopWith = "normal"): void {
    this.#stop(reason);
  }

  get leaving(): boolean {
    return this.#leave !== undefined;
  }

  /** Its client leaves, behind what it has said before. */
  leave(ref: Json, bytes: number): void {
    this.#leave = { ref };
    this.take({ type: "leave", ref, bytes });
  }

  /** Its client is back already: who leaves waits for nothing more. */
  leaveNow(): void {
    if (this.#leave !== undefined) void this.handle({ type: "leave", ref: this.#leave.ref, bytes: 0 });
  }

  /** Puts something in: it is taken at once, or when what is before it is done. */
  take(item: Item): void {
    if (this.ended) return;
    if (this.#mailbox.busy && !this.#socket.waits(item)) return;
    this.#mailbox.put(item);
  }

  handle(item: Item): void | Promise<void> {
    if (this.ended) return undefined;
    switch (item.type) {
      case "message":
        return this.#handleMessage(item.message);
      case "info":
        return this.#handleInfo(item.told);
      case "raw":
        return this.#handleRaw(item.data);
      case "leave":
        this.#answer(item.ref, "ok", {});
        return this.end({ type: "normal", why: "left" }, "phx_close");
      default:
        return this.#run(this.definition.joined as Handler, undefined, "joined");
    }
  }

  taken(item: Item): void {
    this.#socket.taken(item);
  }

  /** A broadcast of its topic. */
  hear(shared: SharedMessage, event: string, payload: Payload): void {
    const { out, hears } = this.definition;
    if (hears !== undefined && !hears(event, this)) return;
    if (out.size > 0 && out.has(event)) return this.#intercept(event, payload);
    const frame = shared.in(this.#socket.serialiser);
    if (frame !== undefined) this.#socket.say(frame);
  }

  /** Right after the answer to its join. */
  begin(): void {
    if (this.ended) return;
    this.#begun = true;
    const presence = this.definition.presence === undefined ? undefined : this.presence;
    presence?.opens();
    // Others were told something, and what they are may have ended this.
    if (this.ended) return;
    this.#context.index.add(this);
    this.#context.observe?.({ type: "channel-joined", socketId: this.socketId, topic: this.topic });
    try {
      presence?.begins();
    } catch (error) {
      return this.crash(error);
    }
    if (this.definition.joined !== undefined) this.take({ type: "begin", bytes: 0 });
  }

  /** It is over, for whatever reason; once. `terminate` runs before the client hears (a last broadcast of it comes first). */
  end(reason: StopReason, farewell: Farewell): void {
    if (this.ended) return;
    this.ended = true;
    this.#context.index.delete(this);
    this.#socket.forget(this);
    for (const item of this.#mailbox.empty()) this.taken(item);
    const { terminate } = this.definition;
    if (terminate !== undefined) contain(this.#context.report, () => terminate(reason, this));
    this.#presence?.ends();
    this.#abort?.abort();
    const { topic, socketId } = this;
    if (farewell !== undefined) this.#socket.bidFarewell(topic, this.heldRef, farewell);
    if (this.#begun) this.#context.observe?.({ type: "channel-left", socketId, topic, why: reason.type });
  }

  /** The app's code threw: its channel closes, and nothing else. */
  crash(error: unknown): void {
    if (this.ended) return this.#context.report(error);
    this.#context.report(error);
    this.end({ type: "error", error }, "phx_error");
  }

  #handles(ref: Json | undefined): void {
    this.#current = ref;
    this.#ref = undefined;
    this.#answered = false;
  }

  #handleMessage(message: ClientMessage & { readonly event: string }): void | Promise<void> {
    this.#handles(message.ref);
    const { event, payload } = message;
    const { events, binaries, other } = this.definition;
    if (isBytes(payload)) {
      const handler = binaries.get(event);
      if (handler !== undefined) return this.#run(handler, payload, event);
    } else {
      const checked = events.get(event);
      if (checked !== undefined) return this.#runChecked(checked, payload, event);
    }
    if (other !== undefined) return this.#run((_, socket) => other(event, payload, socket), undefined, event);
    return this.#unmatched(event);
  }

  #unmatched(event: string): void {
    if (this.#context.strictPhoenix)
      return this.crash(new Error(`Channel "${this.definition.pattern}" has no handler for "${event}".`));
    this.#refuse("unmatched-event", { event }, { reason: "unmatched event" });
  }

  #runChecked({ schema, handler }: Checked<Handler>, said: unknown, name: string): void | Promise<void> {
    if (schema === undefined) return this.#run(handler, said, name);
    let checked: Fitting | Promise<Fitting>;
    try {
      checked = fitting(schema, said);
    } catch (error) {
      return this.crash(error);
    }
    if (!(checked instanceof Promise)) return this.#fits(checked, handler, name);
    return checked.then(
      (fits) => (this.ended ? undefined : this.#fits(fits, handler, name)),
      (error: unknown) => this.crash(error),
    );
  }

  #fits(checked: Fitting, handler: Handler, name: string): void | Promise<void> {
    if (checked.ok) return this.#run(handler, checked.value, name);
    const { issues } = checked;
    // Nobody of the client's said it: it is the app that must hear.
    if (this.#current === undefined) return this.#context.report(wrongInfo(this.definition.pattern, issues));
    this.#refuse(
      "invalid",
      { event: name, issues },
      { reason: "invalid payload", issues: issues as unknown as Json },
    );
  }

  #refuse(code: "invalid" | "unmatched-event", details: unknown, told: Told): void {
    const { topic, socketId } = this;
    this.#context.refused({ code, socketId, topic, details });
    const ref = this.#current ?? null;
    if (ref !== null) this.#answer(ref, "error", told);
  }

  #run(handler: Handler, said: unknown, name: string): void | Promise<void> {
    let result: unknown;
    try {
      result = handler(said, this);
      if (!isThenable(result)) return this.#settle(result, name);
    } catch (error) {
      return this.crash(error);
    }
    return Promise.resolve(result).then(
      (later) => {
        try {
          this.#settle(later, name);
        } catch (error) {
          this.crash(error);
        }
      },
      (error: unknown) => this.crash(error),
    );
  }

  #handleRaw(data: Uint8Array): void | Promise<void> {
    this.#handles(undefined);
    return this.#run(this.definition.raw as Handler, data, RAW);
  }

  #handleInfo(told: unknown): void | Promise<void> {
    const { info } = this.definition;
    if (info === undefined) return undefined;
    this.#handles(undefined);
    return this.#runChecked(info, told, "handleInfo");
  }

  /** At once: a handler that takes long, or for ever, keeps nobody who may not stay. */
  reauthorise(): void {
    const { mayStay } = this.definition;
    if (this.ended || mayStay === undefined) return;
    const decide = (stays: unknown): void => {
      if (stays !== true) this.end({ type: "shutdown", why: "rights" }, "phx_close");
    };
    try {
      const stays = mayStay(this);
      if (!isThenable(stays)) return decide(stays);
      Promise.resolve(stays).then(decide, (error: unknown) => this.crash(error));
    } catch (error) {
      return this.crash(error);
    }
  }

  /** Says what a handler has returned. Throws what saying it throws. */
  #settle(result: unknown, name: string): void {
    if (result === undefined || (this.ended && !this.#context.strictPhoenix)) return;
    const { type } = result as { readonly type?: unknown };
    switch (type) {
      case "none":
        return;
      case "reply":
      case "push":
        return this.#word(result as Reply | Push, name);
      case "stop": {
        const { reason, last } = result as {
          readonly reason: StopWith;
          readonly last: Reply | Push | undefined;
        };
        if (last !== undefined) this.#word(last, name);
        return this.#stop(reason);
      }
      default:
        throw new TypeError(
          `The handler of "${name}" in channel "${this.definition.pattern}" returned something else than reply(), push(), stop(), noReply() or nothing.`,
        );
    }
  }

  #word(word: Reply | Push, name: string): void {
    if (word.type === "push") return this.push(word.event, word.payload);
    if (name === RAW) return this.push("binary_reply", word.response as Payload);
    const ref = this.#current;
    if (ref === undefined)
      throw new TypeError(
        `Channel "${this.definition.pattern}" returned reply() where no message of a client is handled; push(event, payload) says something.`,
      );
    if ((this.#answered || this.#ref?.answered === true) && !this.#context.strictPhoenix) return;
    this.#answered = true;
    if (this.#ref !== undefined) this.#ref.answered = true;
    this.#answer(ref, word.status, word.response);
  }

  #stop(reason: StopWith): void {
    if (typeof reason !== "string") {
      this.#context.report(reason);
      return this.end({ type: "error", error: reason }, "phx_error");
    }
    this.end(
      reason === "normal" ? { type: "normal", why: "stopped" } : { type: "shutdown", why: "stopped" },
      "phx_close",
    );
  }

  #answer(ref: Json, status: string, response: Json | Uint8Array): void {
    const { joinRef, topic } = this;
    this.#socket.say(this.#socket.serialiser.reply({ joinRef, ref, topic, status, response }));
  }

  #intercept(event: string, payload: Payload): void {
    try {
      const changed = (this.definition.out.get(event) as Handler)(payload, this);
      if (isThenable(changed)) {
        // Nobody waits for it, and its rejection must not end the process.
        Promise.resolve(changed).then(undefined, this.#context.report);
        throw new TypeError(
          `The handleOut of "${event}" in channel "${this.definition.pattern}" returned a promise: it decides at once. Await before the broadcast.`,
        );
      }
      if (changed !== undefined) this.push(event, changed as Payload);
    } catch (error) {
      this.crash(error);
    }
  }
}

const wrongInfo = (
  pattern: string,
  issues: readonly { readonly message: string; readonly path: readonly (string | number)[] }[],
): Error =>
  new TypeError(
    `sendInfo told channel "${pattern}" what does not fit handleInfo's schema, so it was not handed on: ${issues.map(({ path, message }) => [...path, message].join(": ")).join("; ")}`,
  );
