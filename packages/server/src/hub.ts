// The switchboard, and the only one: what a connection says goes to its target, what happens to a target goes to hooks.
// Decisions are elsewhere: who someone is (hello.ts), what a message becomes (target-engine.ts), how one catches up
// (follow.ts), when things are carried out (turns.ts).
import { CallaError, isSession, messageId, OWN_SESSION, sessionKey } from "@calla/shared";
import type { ClientFrame, ClientFrames, Message, Subscription, TargetKey } from "@calla/shared";
import { allowed, Conversation, reader } from "./conversation.ts";
import type { Follow, Gate, Heard } from "./conversation.ts";
import type { Connection, ConnectRequest } from "./connection.ts";
import type { Core } from "./core.ts";
import type { Encoder } from "./encoder.ts";
import { EphemeralTopic, pushChannel } from "./ephemeral.ts";
import { Followers, fromNothing } from "./follow.ts";
import { admitEphemeral } from "./handlers.ts";
import type { LooseAsking, LooseHandlers } from "./handlers.ts";
import type { Greeting } from "./hello.ts";
import type { LiveTarget, Reply } from "./live-target.ts";
import type { LogRecord } from "./log.ts";
import { TargetRegistry } from "./target-registry.ts";
import { Turns } from "./turns.ts";

/** Hooks of the whole server. They observe; what they throw is reported and changes nothing. */
export interface HubHooks {
  greet(hello: ClientFrames["Hello"], request: ConnectRequest): Promise<Greeting>;
  connected(conversation: Conversation): void;
  disconnected(conversation: Conversation): void;
  accepted(
    live: LiveTarget,
    author: Conversation | undefined,
    message: Message,
    record: LogRecord,
    model: unknown,
  ): void;
}

/** A place where the app's code is called. */
type Place = LiveTarget | EphemeralTopic;

export class Hub {
  readonly core: Core;
  readonly registry: TargetRegistry;
  readonly turns: Turns;
  readonly connections = new Set<Conversation>();
  /** The open conversation of each client. */
  readonly clients = new Map<string, Conversation>();
  readonly ephemerals = new Map<TargetKey, { topic: EphemeralTopic; silence: () => void }>();
  readonly #followers: Followers;
  readonly #hooks: HubHooks;
  readonly #read: (encoder: Encoder, data: string | Uint8Array) => Heard;

  constructor(core: Core, hooks: HubHooks) {
    this.core = core;
    this.#hooks = hooks;
    this.registry = new TargetRegistry(core, { rang: (live) => this.look(live) });
    this.turns = new Turns(core, this.registry, {
      resnapshot: (live, reason) => this.#resnapshot(live, reason),
      accepted: (live, reply, record, model) => this.#accepted(live, reply, record, model),
    });
    this.#followers = new Followers(core, this.turns);
    this.#read = reader(core.serialiser, core.limits);
  }

  // ------------------------------------------------------------------------------------------------- connections

  connect(connection: Connection, request: ConnectRequest, encoder: Encoder): Conversation {
    const conversation = new Conversation(connection, request, encoder);
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
    if (this.clients.get(conversation.clientId) === conversation) this.clients.delete(conversation.clientId);
    this.#hooks.disconnected(conversation);
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
      this.#hear(conversation, frame);
    }
    const { maxBufferedBytes } = this.core.limits;
    if (conversation.connection.bufferedAmount() > maxBufferedBytes) this.#end(conversation, "slow", true);
  }

  #hear(conversation: Conversation, frame: ClientFrame): void {
    switch (frame.type) {
      case "Hello":
        return void this.#hello(conversation, frame);
      case "SessionMessage":
        return this.#message(conversation, sessionKey(conversation.clientId), frame);
      case "TopicMessage":
        return this.#message(conversation, frame.target, frame);
      case "Subscribe":
        return void this.#subscribe(conversation, frame);
      case "Resync":
        for (const asked of frame.targets) void this.#subscribe(conversation, asked);
        return;
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
    const greeting = await this.#hooks.greet(hello, conversation.request);
    if ((conversation.phase as string) !== "greeting") return; // gone meanwhile
    this.#stopWaiting(conversation);
    if (!greeting.ok) {
      if (greeting.error !== undefined) this.core.report(greeting.error);
      this.#refused(conversation, undefined, greeting.code, {});
      if (greeting.last !== undefined) conversation.send(greeting.last);
      return this.#end(conversation, greeting.code, greeting.retryable);
    }
    const { clientId, user, connected } = greeting;
    // One client speaks by one connection: the newer takes over, the older must not come back (CV6).
    const older = this.clients.get(clientId);
    if (older !== undefined) this.#end(older, "superseded", false);
    conversation.phase = "open";
    conversation.clientId = clientId;
    conversation.user = user;
    this.clients.set(clientId, conversation);
    conversation.send(connected);
    this.#hooks.connected(conversation);
    for (const asked of hello.targets) void this.#subscribe(conversation, asked);
  }

  /** Closes with a last word. The transport's own close then finds everything done. */
  #end(conversation: Conversation, code: string, retryable: boolean, within = 0): void {
    conversation.close(code, retryable, within);
    this.disconnect(conversation);
  }
  end(conversation: Conversation, code: string, retryable: boolean, within = 0): void {
    this.#end(conversation, code, retryable, within);
  }

  // ----------------------------------------------------------------------------------------------------- following

  async #subscribe(conversation: Conversation, asked: Subscription): Promise<void> {
    const key = keyOf(conversation, asked.target);
    const { follows } = conversation;
    const before = follows.get(key);
    if (before !== undefined && before.ref > asked.ref) return; // an old wish, overtaken
    const place = this.#place(conversation, key);
    const refuse = (code: string, retryable: boolean, details?: unknown): void => {
      this.#leave(conversation, key);
      if (!retryable) this.#refused(conversation, key, code, details ?? {});
      conversation.send({ type: "Unsubscribed", target: asked.target, ref: asked.ref, code, retryable });
    };
    if (typeof place === "string") return refuse(place, place === "busy");
    if (before === undefined && follows.size >= this.core.limits.maxTopicsPerConnection)
      return refuse("too-many-topics", false);
    const follow: Follow = { ref: asked.ref, live: false };
    follows.set(key, follow);
    // Until it is caught up again it is shown nothing: its client would ignore it (CV8).
    place.audience.followers.delete(conversation);
    const current = (): boolean => conversation.phase === "open" && follows.get(key) === follow;
    // Whoever follows already was admitted; a gap or wake-up does not ask again.
    if (before?.live !== true) {
      const admitted = await this.#admit(conversation, place, "subscribe");
      if (!current()) return;
      if (admitted !== true) return refuse(admitted, admitted === "hook");
    }
    if (place instanceof EphemeralTopic) place.join(conversation, follow);
    else if (!(await this.#followers.join(conversation, place, follow, asked))) return;
    if (before?.live !== true) this.#hook(conversation, place, "onSubscribe");
  }

  /** Whether a client may reach a topic: true, or the code that refuses it. */
  #admit(
    conversation: Conversation,
    place: Place,
    purpose: "subscribe" | "dispatch",
  ): true | string | Promise<true | string> {
    if (place.slice.kind === "session") return true; // #place lets nobody but its client come here
    const handlers = this.core.handlers.get(place.slice.name);
    if (handlers === undefined) return "unhandled";
    if (conversation.granted?.has(keyOfPlace(place)) === true) return true;
    if (handlers.canSubscribe === undefined) return handlers.public === true ? true : "forbidden";
    const decide = (allowed: unknown): true | string => (allowed === true ? true : "forbidden");
    const failed = (error: unknown): string => {
      this.core.report(error);
      return "hook";
    };
    try {
      const answer: unknown = handlers.canSubscribe({ ...asking(conversation, place), purpose });
      return answer instanceof Promise ? answer.then(decide, failed) : decide(answer);
    } catch (error) {
      return failed(error);
    }
  }

  #leave(conversation: Conversation, key: TargetKey): void {
    const follow = conversation.follows.get(key);
    if (follow === undefined) return;
    conversation.follows.delete(key);
    const live = this.registry.get(key);
    const place = live ?? this.ephemerals.get(key)?.topic;
    if (place === undefined) return;
    if (place instanceof EphemeralTopic) {
      place.leave(conversation);
      this.#forgetEphemeral(place);
    } else {
      place.audience.followers.delete(conversation);
      place.lastUsed = this.core.clock.now();
    }
    if (follow.live) this.#hook(conversation, place, "onUnsubscribe");
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
    const place = this.#place(conversation, key);
    if (typeof place === "string" || conversation.follows.get(key)?.live === true) return;
    const asked = fromNothing(wireOf(key), conversation.follows.get(key)?.ref ?? 0);
    void this.#subscribe(conversation, asked);
  }

  /** Everybody gets what there is now, in place of what they had. */
  #resnapshot(live: LiveTarget, reason: string): void {
    // A copy: joining may put a follower back at once.
    const followers = [...live.audience.followers];
    for (const conversation of followers) {
      const { ref } = conversation.follows.get(live.key)!;
      const follow: Follow = { ref, live: false };
      conversation.follows.set(live.key, follow);
      live.audience.followers.delete(conversation);
      void this.#followers.join(conversation, live, follow, fromNothing(live.wire, ref), reason);
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
      void this.#subscribe(conversation, {
        target,
        ref: follow.ref,
        cursor: { sequence, mark },
        settled: 0,
        sent: 1,
      });
    }
  }

  // --------------------------------------------------------------------------------------------------- dispatching

  #message(conversation: Conversation, key: TargetKey, frame: ClientFrames["SessionMessage"]): void;
  #message(conversation: Conversation, key: TargetKey, frame: ClientFrames["TopicMessage"]): void;
  #message(
    conversation: Conversation,
    key: TargetKey,
    frame: ClientFrames["SessionMessage" | "TopicMessage"],
  ): void {
    if (conversation.conflicts?.has(key) === true) return;
    const place = this.#place(conversation, key);
    const { mid, id } = frame;
    const target = wireOf(key);
    if (place === "busy")
      return conversation.send({ type: "Paused", target, from: mid, code: place, retryAfter: 1_000 });
    const refuse = (code: string): void => {
      this.#refused(conversation, key, code, {});
      if (mid > 0) conversation.send({ type: "Rejected", target, mid, id, from: "calla", code, details: {} });
    };
    if (typeof place === "string") return refuse(place);
    this.#gate(conversation, key, place, (admitted) => {
      if (conversation.phase !== "open") return;
      if (admitted === "hook")
        return conversation.send({ type: "Paused", target, from: mid, code: "busy", retryAfter: 1_000 });
      if (admitted !== true) return refuse(admitted);
      this.#dispatch(conversation, place, frame);
    });
  }

  #dispatch(
    conversation: Conversation,
    place: Place,
    frame: ClientFrames["SessionMessage" | "TopicMessage"],
  ): void {
    if (place instanceof EphemeralTopic) {
      if (conversation.follows.get(place.topic)?.live !== true)
        return this.#refused(conversation, place.topic, "not-following", {});
      try {
        const handlers = this.core.handlers.get(place.slice.name);
        const admitted = admitEphemeral(
          place.slice,
          handlers,
          frame.message,
          asking(conversation, place),
          this.core.report,
        );
        if (admitted.ok) place.dispatch(conversation, admitted.message);
        else this.#refused(conversation, place.topic, admitted.code, admitted.details);
      } catch (error) {
        this.core.report(error);
      }
      return;
    }
    const { mid, id, settled, message } = frame;
    this.turns.offer(place, {
      author: { clientId: conversation.clientId, userId: conversation.userId },
      row: conversation.clientId,
      mid,
      id,
      settled: Math.min(settled, mid - 1),
      // Not checked yet: `admit` parses each.
      messages: message === null ? null : ((Array.isArray(message) ? message : [message]) as Message[]),
      reply: conversation,
    });
  }

  /** Runs `go` once it is known whether the client may reach the target; in order per target, at once if it follows. */
  #gate(
    conversation: Conversation,
    key: TargetKey,
    place: Place,
    go: (admitted: true | string) => void,
  ): void {
    const gate = conversation.gates?.get(key);
    if (gate?.open === undefined && gate !== undefined) {
      gate.waiting.push(go);
      return;
    }
    if (gate?.open === true || conversation.follows.get(key)?.live === true) return go(true);
    const admitted = this.#admit(conversation, place, "dispatch");
    if (!(admitted instanceof Promise)) return go(admitted);
    const asked: Gate = { open: undefined, waiting: [go] };
    (conversation.gates ??= new Map()).set(key, asked);
    void admitted.then((answer) => {
      // Revoked meanwhile: the answer is old, ask again (S43).
      const outdated = conversation.gates?.get(key) !== asked;
      if (!outdated) {
        if (answer === true) asked.open = true;
        else conversation.gates!.delete(key);
      }
      for (const waiting of asked.waiting) {
        if (outdated) this.#gate(conversation, key, place, waiting);
        else waiting(answer);
      }
    });
  }

  // ---------------------------------------------------------------------------------------------------------- places

  /** The target that a key names for this client, or the code that refuses it. */
  #place(conversation: Conversation, key: TargetKey): Place | string {
    if (isSession(key)) {
      const { session } = this.core.wiring;
      // "@" alone is one's own; another client's session has no name on the wire (S17).
      if (session === undefined || key !== sessionKey(conversation.clientId)) return "topic";
      if (!this.core.handlers.has(session.name)) return "unhandled";
      return this.registry.open(key, session, []) ?? "busy";
    }
    return this.place(key);
  }

  /** The same for the server itself, which may go everywhere. */
  place(key: TargetKey): Place | string {
    const open = this.registry.get(key) ?? this.ephemerals.get(key)?.topic;
    if (open !== undefined) return open;
    const found = key.length <= this.core.limits.maxTopicIdLength ? this.core.wiring.sliceOf(key) : undefined;
    if (found === undefined) return "topic";
    const { slice, params } = found;
    if (slice.kind === "topic") return this.registry.open(key, slice, params) ?? "busy";
    if (this.ephemerals.size >= this.core.limits.maxOpenTargets) return "busy";
    const topic = new EphemeralTopic(this.core, key, slice, params);
    const silence = this.core.pubsub.subscribe(pushChannel(key), (payload) => {
      const { node, pushed } = payload as { node: string; pushed: Parameters<typeof topic.audience.push>[0] };
      if (node !== this.core.node) topic.audience.push(pushed);
    });
    this.ephemerals.set(key, { topic, silence });
    return topic;
  }

  #forgetEphemeral(topic: EphemeralTopic): void {
    if (topic.audience.followers.size > 0) return;
    this.ephemerals.get(topic.topic)?.silence();
    this.ephemerals.delete(topic.topic);
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
      const returned = await handlers[name]!(asking(conversation, place));
      if (returned === undefined || returned === null) return;
      const messages = Array.isArray(returned) ? (returned as readonly Message[]) : [returned as Message];
      if (messages.length === 0) return;
      if (place instanceof EphemeralTopic) {
        for (const message of messages) place.audience.push([null, null, message]);
        return;
      }
      await this.dispatchTo(place, messages);
    })().catch((error: unknown) => this.core.report(error));
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

const keyOf = (conversation: Conversation, target: TargetKey): TargetKey =>
  target === OWN_SESSION ? sessionKey(conversation.clientId) : target;

const keyOfPlace = (place: Place): TargetKey => (place instanceof EphemeralTopic ? place.topic : place.key);

const wireOf = (key: TargetKey): TargetKey => (isSession(key) ? OWN_SESSION : key);

const asking = (conversation: Conversation, place: Place): LooseAsking => ({
  clientId: conversation.clientId,
  user: conversation.user,
  topic: keyOfPlace(place),
  params: place.params,
});

/** A dispatch to a place that takes none. */
export const noSuchTopic = (key: TargetKey, code: string): CallaError =>
  new CallaError(
    code === "busy" ? "storage" : "topic",
    { topic: key },
    `"${key}" cannot be reached: ${code}.`,
  );
