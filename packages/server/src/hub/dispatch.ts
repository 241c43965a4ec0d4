// A message's way to its target: may this client reach it, is it open, then offered. And what the server itself
// dispatches and pushes. What becomes of a message is decided in target-engine.ts.
import { authorTag, CallaError, messageId, OWN_SESSION, parseMessage } from "@calla/shared";
import type { ClientFrames, EphemeralSlice, Message, PausedCode, Slice, TargetKey } from "@calla/shared";
import type { Pushed } from "../target/audience.ts";
import { storageError } from "../base/storage-outage.ts";
import type { Conversation } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { tellPush } from "../cluster/node-messages.ts";
import { asking, isTemporary, toldAs } from "./access.ts";
import type { Access } from "./access.ts";
import { admitEphemeral } from "../app/handlers.ts";
import { hear } from "../app/hooks.ts";
import type { LiveTarget } from "../target/live-target.ts";
import type { TargetDirectory } from "../target/target-directory.ts";
import { wireOf } from "../log/record.ts";
import { refused } from "../connection/refusal.ts";
import type { TargetRegistry } from "../target/target-registry.ts";
import type { CommitLoop } from "../target/commit-loop.ts";
import type { DeniedCode } from "../app/intent.ts";

export interface DispatcherParts {
  readonly context: ServerContext;
  readonly registry: TargetRegistry;
  readonly directory: TargetDirectory;
  readonly access: Access;
  readonly commitLoop: CommitLoop;
  /** The open conversation of each client. */
  readonly clients: ReadonlyMap<string, Conversation>;
}

export class Dispatcher {
  readonly #context: ServerContext;
  readonly #registry: TargetRegistry;
  readonly #directory: TargetDirectory;
  readonly #access: Access;
  readonly #commitLoop: CommitLoop;
  readonly #clients: ReadonlyMap<string, Conversation>;
  /** Messages that wait to hear whether the log knows of their author. */
  #strangers = 0;

  constructor({ context, registry, directory, access, commitLoop, clients }: DispatcherParts) {
    this.#context = context;
    this.#registry = registry;
    this.#directory = directory;
    this.#access = access;
    this.#commitLoop = commitLoop;
    this.#clients = clients;
  }

  message(conversation: Conversation, key: TargetKey, frame: ClientFrames["TopicMessage"]): void {
    if (!MESSAGE_ID.test(frame.id)) {
      refused(this.#context, conversation, key, "protocol", { id: frame.id.slice(0, 64) });
      return conversation.end("protocol");
    }
    // Before anything is known of the topic. Decoded for the app's hooks, and without one not yet.
    if (this.#context.hooks.incoming.any)
      hear(
        this.#context.hooks.incoming,
        this.#context,
        conversation,
        frame,
        conversation.encoder.decodeMessages(frame.messages),
      );
    if (conversation.refusesFurther(key)) return;
    if (conversation.conflicts > 0 && conversation.conflicts >= this.#context.limits.maxTopicsPerConnection)
      return conversation.end("mid-conflict"); // it has to say Hello again anyway
    // The common way costs no closure: a subscriber, admitted as such, dispatches to what it has subscribed.
    const hasSubscribed =
      conversation.subscriptions.get(key)?.live === true && !this.#access.isWaiting(conversation, key);
    const known = hasSubscribed ? this.#registry.get(key) : undefined;
    if (known !== undefined) return this.#offer(conversation, known, frame, undefined);
    const named = this.#directory.named(key, conversation.clientId);
    const { mid, id, messages } = frame;
    const target = frame.target;
    const refuse = (code: DeniedCode): void => {
      refused(this.#context, conversation, key === OWN_SESSION ? target : key, code, {});
      if (mid > 0) conversation.send({ type: "Rejected", target, mid, id, from: "calla", code, details: {} });
    };
    if (typeof named === "string") return refuse(named);
    if (named.slice.kind === "ephemeral") return this.#cast(conversation, key, named.slice, messages);
    const pause = (code: PausedCode): void =>
      conversation.send({ type: "Paused", target, from: mid, code, retryAfter: 1_000 });
    const offer = (denied?: DeniedCode): void => {
      const live = this.#directory.open(key, named, conversation.membership.party) as LiveTarget | undefined;
      if (live === undefined) return pause("busy");
      this.#offer(conversation, live, frame, denied);
    };
    this.#access.pass(conversation, key, named, (admitted) => {
      if (conversation.phase !== "open") return;
      if (admitted === true) return offer();
      if (isTemporary(admitted)) return pause("busy");
      if (this.#registry.get(key) !== undefined) return offer(admitted);
      // Nothing is opened for strangers. A client that was admitted before may repeat what was decided then (TE26).
      if (this.#strangers >= this.#context.limits.maxQueued) return pause("busy");
      this.#strangers++;
      void this.#context.log
        .client(key, conversation.clientId)
        .then(
          (row) => {
            if (conversation.phase !== "open") return;
            if (row === undefined) refuse(admitted);
            else offer(admitted);
          },
          (cause: unknown) => {
            if (!this.#commitLoop.stopped) this.#context.report(storageError("client", cause));
            pause("storage");
          },
        )
        .finally(() => this.#strangers--);
    });
  }

  #offer(
    conversation: Conversation,
    live: LiveTarget,
    { mid, id, settled, messages }: ClientFrames["TopicMessage"],
    denied: DeniedCode | undefined,
  ): void {
    if (conversation.subscriptions.get(live.key)?.live !== true) this.#note(conversation, live.key);
    // Only now, when nothing is left that could refuse it unread (CV18): a client that may not reach the target gets that answer.
    const given = denied === undefined ? this.#decoded(conversation, messages) : messages;
    this.#commitLoop.offer(live, {
      author: conversation.author,
      row: conversation.clientId,
      mid,
      id,
      settled: Math.min(settled, mid - 1),
      // Not checked yet: `admit` parses each.
      messages: given as readonly Message[],
      denied,
      reply: conversation,
    });
  }

  /** Where it subscribes later, it is to be told what became of this. */
  #note(conversation: Conversation, key: TargetKey): void {
    conversation.sentTo ??= new Set();
    if (conversation.sentTo === "many") return;
    conversation.sentTo.add(key);
    if (conversation.sentTo.size > this.#context.limits.maxTopicsPerConnection) conversation.sentTo = "many";
  }

  /** What is more than a batch may be is refused by its length, unread (CV18). */
  #decoded({ encoder }: Conversation, plain: readonly unknown[]): readonly unknown[] {
    return plain.length > this.#context.limits.maxBatch ? plain : encoder.decodeMessages(plain);
  }

  /** To an ephemeral topic: to whoever has subscribed now, or not at all. */
  #cast(conversation: Conversation, key: TargetKey, slice: EphemeralSlice, plain: readonly unknown[]): void {
    const topic = this.#directory.ephemeral(key);
    const handlers = this.#context.handlers.get(slice.name);
    const hasSubscribed = topic !== undefined && conversation.subscriptions.get(key)?.live === true;
    if (!hasSubscribed && conversation.speaker === "packet")
      return this.#castFromAfar(conversation, key, slice, plain);
    if (!hasSubscribed)
      return refused(
        this.#context,
        conversation,
        key,
        handlers === undefined ? "unhandled" : "not-subscribed",
        {},
      );
    try {
      const who = asking(conversation, key, topic.params);
      const given = this.#decoded(conversation, plain);
      const admitted = admitEphemeral(slice, handlers, given, who, this.#context);
      if (admitted.ok) topic.dispatch(conversation, admitted.messages);
      else refused(this.#context, conversation, key, admitted.code, admitted.details);
    } catch (error) {
      this.#context.report(error);
    }
  }

  /** Its author may have subscribed on another node, or by polls: the app is asked whether it may reach the topic. */
  #castFromAfar(
    conversation: Conversation,
    key: TargetKey,
    slice: EphemeralSlice,
    plain: readonly unknown[],
  ): void {
    const named = this.#directory.named(key, conversation.clientId);
    if (typeof named === "string") return;
    this.#access.pass(conversation, key, named, (allowed) => {
      try {
        const who = asking(conversation, key, named.params);
        const handlers = this.#context.handlers.get(slice.name);
        if (allowed !== true) return refused(this.#context, conversation, key, toldAs(allowed), {});
        const given = this.#decoded(conversation, plain);
        const admitted = admitEphemeral(slice, handlers, given, who, this.#context);
        if (!admitted.ok) return refused(this.#context, conversation, key, admitted.code, admitted.details);
        const { clientId, userId } = conversation;
        const pushed: Pushed = [authorTag(clientId, key), userId, admitted.messages];
        this.#directory.get(key)?.audience.push(pushed);
        tellPush(this.#context, key, { pushed });
      } catch (error) {
        this.#context.report(error);
      }
    });
  }

  /** A message of the server's to all subscribers, here and elsewhere; in a client's name, to all but that one. */
  push(slice: Slice, key: TargetKey, value: unknown, from?: string): void {
    const parsed = parseMessage(slice, value, "server");
    if (!parsed.ok)
      throw new CallaError(
        "invalid",
        { slice: slice.name, ...parsed.details },
        `This is no message of slice "${slice.name}"; look at its schema.`,
      );
    const message = this.#context.serialiser.normaliseMessage(parsed.message);
    const userId = from === undefined ? null : (this.#clients.get(from)?.userId ?? null);
    const pushed = [from === undefined ? null : authorTag(from, wireOf(key)), userId, [message]] as const;
    this.#directory.get(key)?.audience.push(pushed, from);
    tellPush(this.#context, key, { pushed, except: from });
  }

  /** What a hook returned. A topic that was removed meanwhile it does not bring back, nor make: then it is for nobody (HA7). */
  async dispatchUnlessRemoved(live: LiveTarget, messages: readonly Message[]): Promise<void> {
    try {
      await this.dispatchTo(live, messages, undefined, true);
    } catch (error) {
      const { code, details } = error as { readonly code?: unknown; readonly details?: { code?: unknown } };
      if (code !== "rejected" || !(details?.code === "removed" || details?.code === "missing")) throw error;
    }
  }

  /** The server's own dispatch; applied once per key, if one is given. */
  dispatchTo(
    live: LiveTarget,
    messages: readonly Message[],
    key?: string,
    unlessRemoved = false,
  ): Promise<{ sequence: number }> {
    return new Promise((resolve, reject) => {
      this.#commitLoop.offer(live, {
        author: null,
        row: key === undefined ? "" : `#${key}`,
        mid: key === undefined ? 0 : 1,
        // Told apart from random ids, which every subscriber has seen: a key may be of a visitor's making.
        id: key === undefined ? messageId(this.#context.random) : `#${key}`,
        settled: 0,
        messages,
        unlessRemoved,
        reply: { settle: (sequence) => resolve({ sequence }), fail: reject },
      });
    });
  }
}

/** Ids go into marks, rows and derived ids: short, and of characters that every format carries alike. */
const MESSAGE_ID = /^[!-~]{1,64}$/;
