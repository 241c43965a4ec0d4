// The switchboard, and the only one: what a connection says goes to its target, what happens to a target goes to hooks.
// Decisions are elsewhere: who someone is (hello.ts), what a message becomes (target-engine.ts), how one catches up
// (follow.ts), when things are carried out (turns.ts).
import {
  authorTag,
  CallaError,
  isSession,
  messageId,
  OWN_SESSION,
  parseMessage,
  sessionKey,
} from "@calla/shared";
import type {
  ClientFrame,
  ClientFrames,
  EphemeralSlice,
  Message,
  Slice,
  Subscription,
  TargetKey,
} from "@calla/shared";
import { allowed, Conversation, reader } from "./conversation.ts";
import type { Follow, Heard, Keeper } from "./conversation.ts";
import type { Connection, ConnectRequest } from "./connection.ts";
import type { Core } from "./core.ts";
import type { Encoder } from "./encoder.ts";
import { EphemeralTopic, relay } from "./ephemeral.ts";
import { Followers, fromNothing } from "./follow.ts";
import { admitEphemeral } from "./handlers.ts";
import type { LooseHandlers } from "./handlers.ts";
import type { Greeting } from "./hello.ts";
import type { LiveTarget, Reply } from "./live-target.ts";
import type { LogRecord } from "./log.ts";
import { asking, Gates } from "./gates.ts";
import { Places } from "./places.ts";
import type { Place } from "./places.ts";
import { TargetRegistry } from "./target-registry.ts";
import { Turns } from "./turns.ts";

/** Hooks of the whole server. They observe; what they throw is reported and changes nothing. */
export interface HubHooks {
  greet(hello: ClientFrames["Hello"], request: ConnectRequest): Promise<Greeting>;
  connected(conversation: Conversation, fresh: boolean): void;
  disconnected(conversation: Conversation): void;
  accepted(
    live: LiveTarget,
    author: Conversation | undefined,
    message: Message,
    record: LogRecord,
    model: unknown,
  ): void;
}

export class Hub {
  readonly core: Core;
  readonly registry: TargetRegistry;
  readonly places: Places;
  readonly gates: Gates;
  readonly turns: Turns;
  readonly connections = new Set<Conversation>();
  /** The open conversation of each client. */
  readonly clients = new Map<string, Conversation>();
  /** Those that only flush a client whose page is gone. */
  readonly #flushers = new Map<string, Conversation>();
  readonly #followers: Followers;
  readonly #hooks: HubHooks;
  readonly #keeper: Keeper;
  #hellos = 0;
  readonly #read: (encoder: Encoder, data: string | Uint8Array) => Heard;

  constructor(core: Core, hooks: HubHooks) {
    this.core = core;
    this.#hooks = hooks;
    this.registry = new TargetRegistry(core, { rang: (live) => this.look(live) });
    this.places = new Places(core, this.registry);
    this.gates = new Gates(core);
    this.turns = new Turns(core, this.registry, {
      resnapshot: (live, reason) => this.#resnapshot(live, reason),
      accepted: (live, reply, record, model) => this.#accepted(live, reply, record, model),
    });
    this.#followers = new Followers(core, this.turns);
    this.#read = reader(core.serialiser, core.limits);
    this.#keeper = {
      maxBufferedBytes: core.limits.maxBufferedBytes,
      slow: (conversation) => this.#end(conversation, "slow", true),
      broken: (conversation, error) => {
        core.report(error);
        this.#end(conversation, "transport", true);
      },
    };
  }

  // ------------------------------------------------------------------------------------------------- connections

  connect(connection: Connection, request: ConnectRequest, encoder: Encoder): Conversation {
    const conversation = new Conversation(this.#keeper, connection, request, encoder);
    this.connections.add(conversation);
    conversation.greeted = this.core.clock.setTimeout(
      () => this.#end(conversation, "hello-timeout", true),
      this.core.limits.helloTimeout,
    );
    return conversation;
  }

  disconnect(conversation: Conversation): void {
    if (!this.connections.delete(conversation)) return;
    this.#stopWaiting(conversation);
    const wasOpen = conversation.clientId !== "";
    conversation.phase = "closed";
    for (const key of conversation.follows.keys()) this.#leave(conversation, key);
    if (!wasOpen) return;
    const peers = this.#peers(conversation);
    if (peers.get(conversation.clientId) === conversation) peers.delete(conversation.clientId);
    if (!conversation.flushOnly) this.#hooks.disconnected(conversation);
  }

  #stopWaiting(conversation: Conversation): void {
    conversation.greeted?.();
    conversation.greeted = undefined;
  }

  incoming(conversation: Conversation, data: string | Uint8Array): void {
    if (conversation.phase === "closed") return;
    const heard = this.#read(conversation.encoder, data);
    if (!heard.ok) {
      this.#refused(conversation, undefined, heard.code, { error: String(heard.error) });
      return this.#end(conversation, heard.code, false);
    }
    for (const frame of heard.frames) {
      if (!allowed(conversation.phase, frame)) {
        if ((conversation.phase as string) === "closed") return;
        this.#refused(conversation, undefined, "protocol", { frame: frame.type, phase: conversation.phase });
        return this.#end(conversation, "protocol", false);
      }
      try {
        this.#hear(conversation, frame);
      } catch (error) {
        return this.#fail(conversation, error);
      }
    }
  }

  #hear(conversation: Conversation, frame: ClientFrame): void {
    switch (frame.type) {
      case "Hello":
        return void this.#hello(conversation, frame).catch((error: unknown) =>
          this.#fail(conversation, error),
        );
      case "SessionMessage":
        return this.#message(conversation, sessionKey(conversation.clientId), frame);
      case "TopicMessage":
        return this.#message(conversation, isSession(frame.target) ? OWN_SESSION : frame.target, frame);
      case "Subscribe":
        return this.#follow(conversation, frame);
      case "Resync":
        return this.#resync(conversation, frame.targets);
      case "Unsubscribe": {
        const key = keyOf(conversation, frame.target);
        // An unsubscribe overtaken by a newer subscribe is an old ref: it means nothing any more.
        if ((conversation.follows.get(key)?.ref ?? Infinity) <= frame.ref) this.#leave(conversation, key);
        return;
      }
      case "Ping":
        return this.#ping(conversation, frame);
      default:
        frame satisfies never;
    }
  }

  async #hello(conversation: Conversation, hello: ClientFrames["Hello"]): Promise<void> {
    conversation.phase = "greeting";
    conversation.order = ++this.#hellos;
    const greeting = await this.#hooks.greet(hello, conversation.request);
    if ((conversation.phase as string) !== "greeting") return; // gone meanwhile
    this.#stopWaiting(conversation);
    if (!greeting.ok) {
      if (greeting.error !== undefined) this.core.report(greeting.error);
      this.#refused(conversation, undefined, greeting.code, {});
      if (greeting.last !== undefined) conversation.send(greeting.last);
      return this.#end(conversation, greeting.code, greeting.retryable);
    }
    const { clientId, user, connected, fresh } = greeting;
    conversation.flushOnly = hello.flushOnly === true;
    // A page speaks for itself: who would flush for it waits, or lets go when it comes back (CV17).
    if (conversation.flushOnly && this.clients.has(clientId)) return this.#end(conversation, "in-use", true);
    const flusher = this.#flushers.get(clientId);
    if (flusher !== undefined && !conversation.flushOnly) this.#end(flusher, "superseded", false);
    // One client speaks by one connection: the newer takes over, the older must not come back (CV6).
    const peers = this.#peers(conversation);
    const other = peers.get(clientId);
    if (other !== undefined && other.order > conversation.order)
      return this.#end(conversation, "superseded", false); // identified late
    if (other !== undefined) this.#end(other, "superseded", false);
    conversation.phase = "open";
    conversation.clientId = clientId;
    conversation.user = user;
    peers.set(clientId, conversation);
    conversation.send(connected);
    if (!conversation.flushOnly) this.#hooks.connected(conversation, fresh);
    this.#resync(conversation, hello.targets);
  }

  #peers({ flushOnly }: Conversation): Map<string, Conversation> {
    return flushOnly ? this.#flushers : this.clients;
  }

  /** Nothing that a peer says may throw; what does all the same costs its own connection. */
  #fail(conversation: Conversation, error: unknown): void {
    this.core.report(error);
    this.#end(conversation, "failed", true);
  }

  /** Closes with a last word. The transport's own close then finds everything done. */
  #end(conversation: Conversation, code: string, retryable: boolean, within = 0): void {
    try {
      conversation.close(code, retryable, within);
    } catch (error) {
      this.core.report(error); // a socket that threw is as gone as any
    }
    this.disconnect(conversation);
  }
  end(conversation: Conversation, code: string, retryable: boolean, within = 0): void {
    this.#end(conversation, code, retryable, within);
  }

  // ----------------------------------------------------------------------------------------------------- following

  /** Of several wishes for one target only the newest counts: none costs more than one answer. */
  #resync(conversation: Conversation, targets: readonly Subscription[]): void {
    const newest = new Map<TargetKey, Subscription>();
    for (const asked of targets) {
      if ((newest.get(asked.target)?.ref ?? 0) <= asked.ref) newest.set(asked.target, asked);
    }
    for (const asked of newest.values()) this.#follow(conversation, asked);
  }

  #follow(conversation: Conversation, asked: Subscription): void {
    this.#subscribe(conversation, asked).catch(this.core.report);
  }
  async #subscribe(conversation: Conversation, asked: Subscription): Promise<void> {
    if (conversation.phase !== "open") return;
    const key = keyOf(conversation, asked.target);
    const { follows } = conversation;
    const before = follows.get(key);
    if (before !== undefined && before.ref > asked.ref) return; // an old wish, overtaken
    const refuse = (code: string, retryable: boolean): void =>
      this.#turnAway(conversation, key, asked, code, retryable);
    const named = this.places.named(key, conversation.clientId);
    if (conversation.flushOnly) return refuse("flush-only", false);
    if (typeof named === "string") return refuse(named, false);
    if (before === undefined && follows.size >= this.core.limits.maxTopicsPerConnection)
      return refuse("too-many-topics", false);
    const { admitted = false, welcomed = false } = before ?? {};
    const follow: Follow = { ref: asked.ref, admitted, welcomed, live: false };
    follows.set(key, follow);
    // Until it is caught up again it is shown nothing: its client would ignore it (CV8).
    this.places.get(key)?.audience.followers.delete(conversation);
    if (!follow.admitted) {
      const answer = this.gates.admit(conversation, key, named, "subscribe");
      const allowed = typeof answer === "object" ? await answer : answer;
      if (conversation.phase !== "open" || follows.get(key) !== follow) return;
      if (allowed !== true) return refuse(allowed, allowed === "hook");
      follow.admitted = true;
    }
    const place = this.places.open(key, named);
    if (place === undefined) return refuse("busy", true);
    if (!(place instanceof EphemeralTopic) && place.ending !== undefined)
      return refuse(place.ending.code, place.ending.retryable);
    if (place instanceof EphemeralTopic) {
      place.join(conversation, follow);
      return this.#welcome(conversation, place, follow);
    }
    return this.#join(conversation, place, follow, asked);
  }

  async #join(
    conversation: Conversation,
    live: LiveTarget,
    follow: Follow,
    asked: Subscription,
    why?: string,
  ): Promise<void> {
    let joined: Awaited<ReturnType<Followers["join"]>> | "failed";
    try {
      joined = await this.#followers.join(conversation, live, follow, asked, why);
    } catch (error) {
      // A model that cannot be encoded, for one: its topic cannot be followed until it can.
      this.core.report(error);
      joined = "failed";
    }
    if (joined === "joined") return this.#welcome(conversation, live, follow);
    if (joined === "outdated" || conversation.follows.get(live.key) !== follow) return;
    this.#turnAway(conversation, live.key, asked, joined, joined !== "removed");
  }

  #welcome(conversation: Conversation, place: Place, follow: Follow): void {
    if (follow.welcomed || !follow.live) return;
    follow.welcomed = true;
    this.#hook(conversation, place, "onSubscribe");
  }

  #turnAway(
    conversation: Conversation,
    key: TargetKey,
    { target, ref }: Subscription,
    code: string,
    retryable: boolean,
  ): void {
    this.#leave(conversation, key);
    if (!retryable) this.#refused(conversation, key === OWN_SESSION ? target : key, code, {});
    conversation.send({ type: "Unsubscribed", target, ref, code, retryable });
  }

  #leave(conversation: Conversation, key: TargetKey): void {
    const follow = conversation.follows.get(key);
    if (follow === undefined) return;
    conversation.follows.delete(key);
    const place = this.places.get(key);
    if (place instanceof EphemeralTopic) {
      place.leave(conversation);
      this.places.forget(place);
    } else if (place !== undefined) {
      place.audience.followers.delete(conversation);
      place.lastUsed = this.core.clock.now();
    }
    if (follow.welcomed && place !== undefined) this.#hook(conversation, place, "onUnsubscribe");
  }

  /** Cuts a client off a target. It is told, and must ask anew to come back. */
  cut(conversation: Conversation, key: TargetKey, code: string, retryable: boolean): void {
    conversation.granted?.delete(key);
    conversation.gates?.delete(key);
    const follow = conversation.follows.get(key);
    if (follow === undefined) return;
    this.#leave(conversation, key);
    conversation.send({ type: "Unsubscribed", target: wireOf(key), ref: follow.ref, code, retryable });
  }

  /** Makes a client follow a target, whatever `canSubscribe` says. */
  grant(conversation: Conversation, key: TargetKey): void {
    (conversation.granted ??= new Set()).add(key);
    conversation.gates?.delete(key); // what waits there is asked about again, and is granted now
    if (conversation.follows.get(key)?.live === true) return;
    const asked = fromNothing(wireOf(key), conversation.follows.get(key)?.ref ?? 0);
    this.#follow(conversation, asked);
  }

  /** Everybody gets what there is now, in place of what they had. */
  #resnapshot(live: LiveTarget, reason: string): void {
    // A copy: joining may put a follower back at once.
    const followers = [...live.audience.followers];
    for (const conversation of followers) {
      const before = conversation.follows.get(live.key)!;
      const follow: Follow = { ...before, live: false };
      conversation.follows.set(live.key, follow);
      live.audience.followers.delete(conversation);
      void this.#join(conversation, live, follow, fromNothing(live.wire, before.ref), reason);
    }
  }

  #ping(conversation: Conversation, { cursors }: ClientFrames["Ping"]): void {
    conversation.send({ type: "Pong" });
    for (const [target, sequence, mark] of cursors) {
      const key = keyOf(conversation, target);
      const follow = conversation.follows.get(key);
      const live = this.registry.get(key);
      if (follow?.live !== true || live?.engine === undefined) continue;
      const { state } = live.engine;
      if (state.sequence === sequence && state.mark === mark) continue;
      // The tail was lost on the way: the same as a gap, found by the client's own word.
      this.#follow(conversation, {
        target,
        ref: follow.ref,
        cursor: { sequence, mark },
        settled: 0,
        sent: 1,
      });
    }
  }

  // --------------------------------------------------------------------------------------------------- dispatching

  #message(
    conversation: Conversation,
    key: TargetKey,
    frame: ClientFrames["SessionMessage" | "TopicMessage"],
  ): void {
    if (!MESSAGE_ID.test(frame.id)) {
      this.#refused(conversation, key, "protocol", { id: frame.id.slice(0, 64) });
      return this.#end(conversation, "protocol", false);
    }
    const { conflicts } = conversation;
    if (conflicts?.has(key) === true) return;
    if (conflicts !== undefined && conflicts.size >= this.core.limits.maxTopicsPerConnection)
      return this.#end(conversation, "mid-conflict", true); // it has to say Hello anew anyway
    // The common way costs no closure: a follower, admitted as such, dispatches to what it follows.
    const followed = conversation.follows.get(key)?.live === true && conversation.gates?.has(key) !== true;
    const known = followed ? this.registry.get(key) : undefined;
    if (known !== undefined) return this.#offer(conversation, known, frame, undefined);
    const named = this.places.named(key, conversation.clientId);
    const { mid, id, message } = frame;
    const target = frame.type === "TopicMessage" ? frame.target : OWN_SESSION;
    const refuse = (code: string): void => {
      this.#refused(conversation, key === OWN_SESSION ? target : key, code, {});
      if (mid > 0) conversation.send({ type: "Rejected", target, mid, id, from: "calla", code, details: {} });
    };
    if (typeof named === "string") return refuse(named);
    if (named.slice.kind === "ephemeral") return this.#cast(conversation, key, named.slice, message);
    const pause = (code: string): void =>
      conversation.send({ type: "Paused", target, from: mid, code, retryAfter: 1_000 });
    const offer = (denied?: string): void => {
      const live = this.places.open(key, named) as LiveTarget | undefined;
      if (live === undefined) return pause("busy");
      this.#offer(conversation, live, frame, denied);
    };
    this.gates.pass(conversation, key, named, (admitted) => {
      if (conversation.phase !== "open") return;
      if (admitted === true) return offer();
      if (admitted === "hook" || admitted === "busy") return pause("busy");
      if (this.registry.get(key) !== undefined) return offer(admitted);
      // Nothing is opened for strangers. One that was let in before may repeat what was decided then (TE2).
      this.core.log.client(key, conversation.clientId).then(
        (row) => {
          if (conversation.phase !== "open") return;
          if (row === undefined) refuse(admitted);
          else offer(admitted);
        },
        (error: unknown) => {
          this.core.report(error);
          pause("storage");
        },
      );
    });
  }

  #offer(
    conversation: Conversation,
    live: LiveTarget,
    { mid, id, settled, message }: ClientFrames["SessionMessage" | "TopicMessage"],
    denied: string | undefined,
  ): void {
    this.turns.offer(live, {
      author: conversation.author,
      row: conversation.clientId,
      mid,
      id,
      settled: Math.min(settled, mid - 1),
      // Not checked yet: `admit` parses each.
      messages: message === null ? null : ((Array.isArray(message) ? message : [message]) as Message[]),
      denied,
      reply: conversation,
    });
  }

  /** To an ephemeral topic: now, to whoever is there, or not at all. */
  #cast(conversation: Conversation, key: TargetKey, slice: EphemeralSlice, value: unknown): void {
    const topic = this.places.ephemeral(key);
    const handlers = this.core.handlers.get(slice.name);
    if (topic === undefined || conversation.follows.get(key)?.live !== true)
      return this.#refused(conversation, key, handlers === undefined ? "unhandled" : "not-following", {});
    try {
      const who = asking(conversation, key, topic.params);
      const admitted = admitEphemeral(slice, handlers, value, who, this.core.report);
      if (admitted.ok) topic.dispatch(conversation, admitted.message);
      else this.#refused(conversation, key, admitted.code, admitted.details);
    } catch (error) {
      this.core.report(error);
    }
  }

  /** A doorbell rang or time has passed: read on, if anybody here cares. */
  look(live: LiveTarget): void {
    if (live.engine === undefined || live.audience.followers.size === 0) return;
    void this.turns.look(live);
  }

  // ----------------------------------------------------------------------------------------------------------- hooks

  #accepted(live: LiveTarget, reply: Reply, record: LogRecord, model: unknown): void {
    const author = reply instanceof Conversation ? reply : undefined;
    for (const message of record.messages) this.#hooks.accepted(live, author, message, record, model);
  }

  /** Runs onSubscribe or onUnsubscribe; the messages it returns are dispatched by the server. */
  #hook(conversation: Conversation, place: Place, name: "onSubscribe" | "onUnsubscribe"): void {
    const handlers: LooseHandlers | undefined = this.core.handlers.get(place.slice.name);
    if (handlers?.[name] === undefined) return;
    void (async () => {
      const returned = await handlers[name]!(asking(conversation, keyOfPlace(place), place.params));
      if (returned === undefined || returned === null) return;
      const messages = Array.isArray(returned) ? (returned as readonly Message[]) : [returned as Message];
      if (messages.length === 0) return;
      if (place instanceof EphemeralTopic) {
        for (const message of messages) this.push(place.slice, place.topic, message);
        return;
      }
      await this.dispatchTo(place, messages);
    })().catch((error: unknown) => this.core.report(error));
  }

  /** A message of the server's to whoever follows, here and elsewhere; in a client's name, to everybody but it. */
  push(slice: Slice, key: TargetKey, value: unknown, from?: string): void {
    const parsed = parseMessage(slice, value, "server");
    if (!parsed.ok)
      throw new CallaError(
        "invalid",
        { slice: slice.name, ...parsed.details },
        `This is no message of slice "${slice.name}"; look at its schema.`,
      );
    const message = this.core.serialiser.normaliseMessage(parsed.message);
    const userId = from === undefined ? null : (this.clients.get(from)?.userId ?? null);
    const pushed = [from === undefined ? null : authorTag(from, wireOf(key)), userId, message] as const;
    this.places.get(key)?.audience.push(pushed, from);
    relay(this.core, key, pushed, from);
  }

  /** The server's own dispatch; applied once per key, if one is given. */
  dispatchTo(live: LiveTarget, messages: readonly Message[], key?: string): Promise<{ sequence: number }> {
    return new Promise((resolve, reject) => {
      this.turns.offer(live, {
        author: null,
        row: key === undefined ? "" : `#${key}`,
        mid: key === undefined ? 0 : 1,
        id: key === undefined ? messageId(this.core.random) : key,
        settled: 0,
        messages,
        reply: { settle: (sequence) => resolve({ sequence }), fail: reject },
      });
    });
  }

  #refused(conversation: Conversation, target: TargetKey | undefined, code: string, details: unknown): void {
    this.core.refused({
      code,
      clientId: conversation.clientId === "" ? undefined : conversation.clientId,
      userId: conversation.userId,
      target,
      details,
    });
  }
}

/** Ids go into marks, rows and derived ids: short, and of characters that every format carries alike. */
const MESSAGE_ID = /^[!-~]{1,64}$/;

/** The log's key for a name on the wire. "@" alone is a session's name: with more behind it, it names nothing. */
const keyOf = (conversation: Conversation, target: TargetKey): TargetKey => {
  if (!isSession(target)) return target;
  return target === OWN_SESSION ? sessionKey(conversation.clientId) : OWN_SESSION;
};

const keyOfPlace = (place: Place): TargetKey => (place instanceof EphemeralTopic ? place.topic : place.key);

const wireOf = (key: TargetKey): TargetKey => (isSession(key) ? OWN_SESSION : key);
