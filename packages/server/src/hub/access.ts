// Whether a client may reach a topic at all: the app's canSubscribe is asked, and what is dispatched meanwhile waits in
// order. Not here: whether it may dispatch this very message (handlers.ts), how many are asked at a time (app-checks.ts).
import { CallaError } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { Asker, Check, AppChecks, Shown } from "../app/app-checks.ts";
import type { Question, Unanswered } from "../app/app-checks.ts";
import type { Conversation, Gate } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { exists } from "../target/existence.ts";
import type { AnyUser, LooseAsking, LooseHandlers, LooseWish } from "../app/handlers.ts";
import type { NamedTarget } from "../target/target-directory.ts";
import type { TargetRegistry } from "../target/target-registry.ts";
import type { Admitted, DeniedCode } from "../app/intent.ts";

/** Codes of refusals that may pass by themselves. */
export const passes = (code: Denied): code is Exclude<Denied, DeniedCode> =>
  code === "hook" || toldAs(code) === "busy";

/** What the client is told of it. */
export const toldAs = (code: Denied): DeniedCode | "hook" | "busy" => (code === "withdrawn" ? "busy" : code);

type Denied = Exclude<Admitted, true>;

export class Access {
  readonly #context: ServerContext;
  readonly #registry: TargetRegistry;
  readonly #checks: AppChecks;

  constructor(context: ServerContext, registry: TargetRegistry) {
    const { clock, limits, observe } = context;
    this.#context = context;
    this.#registry = registry;
    this.#checks = new AppChecks({
      clock,
      ofOne: limits.maxChecksPerConnection,
      ofAll: limits.maxChecks,
      within: limits.checkTimeout,
      crowded: (limit) =>
        observe?.({
          type: "limited",
          limit: limit === "ofOne" ? "maxChecksPerConnection" : "maxChecks",
          clientId: undefined,
          target: undefined,
        }),
    });
  }

  /** Whether a client may reach a topic: at once, or by a check that the app answers later. */
  admit(
    conversation: Conversation,
    key: TargetKey,
    { slice, params }: NamedTarget,
    purpose: "subscribe" | "dispatch",
  ): Admitted | Check<Admitted> {
    if (slice.kind === "session") return true; // `named` lets nobody but its client come here
    const handlers = this.#context.handlers.get(slice.name);
    if (handlers === undefined) return "unhandled";
    if (conversation.granted?.has(key) === true) return true;
    if (handlers.canSubscribe === undefined) return handlers.public === true ? true : "forbidden";
    const there = (): Promise<boolean> =>
      slice.kind === "ephemeral" ? Promise.resolve(true) : exists(this.#context, this.#registry, key);
    const shown = new Wish(asking(conversation, key, params), purpose, there);
    conversation.asker ??= new Asker(conversation.party?.key ?? "");
    return this.#checks.ask(conversation.asker, new MaySubscribe(this.#context, handlers, shown));
  }

  /** Runs `go` once it is known whether the client may reach the target; in order per target, at once if it follows. */
  pass(
    conversation: Conversation,
    key: TargetKey,
    named: NamedTarget,
    go: (admitted: Admitted) => void,
  ): void {
    const gate = conversation.gates?.get(key);
    if (gate?.open === undefined && gate !== undefined) {
      if (gate.waiting.length >= this.#context.limits.maxInFlight) return go("busy");
      gate.waiting.push({ conversation, go });
      return;
    }
    if (gate?.open === true || conversation.follows.get(key)?.live === true) return go(true);
    const { rights } = conversation;
    const admitted = this.admit(conversation, key, named, "dispatch");
    if (!(admitted instanceof Check)) {
      // Remembered like an answer that came later: both are asked for equally often (HA3).
      if (admitted === true && rights === conversation.rights && this.#asks(conversation, key, named))
        this.#remember(conversation, key, { open: true, waiting: [], check: undefined });
      return go(admitted);
    }
    const asked: Gate = { open: undefined, waiting: [{ conversation, go }], check: admitted };
    this.#remember(conversation, key, asked);
    void admitted.answer.then((answer) => {
      asked.check = undefined;
      const outdated = conversation.gates?.get(key) !== asked || answer === "withdrawn";
      // Revoked meanwhile, or its place was taken: ask again (S43).
      if (outdated) this.#again(asked, key, named);
      else {
        if (answer === true) asked.open = true;
        else conversation.gates!.delete(key);
        for (const waiting of asked.waiting) waiting.go(answer);
      }
    });
  }

  #again({ waiting }: Gate, key: TargetKey, named: NamedTarget): void {
    for (const { conversation, go } of waiting)
      if (conversation.phase === "open") this.pass(conversation, key, named, go);
  }

  /** What it may reach it has to be asked about anew: one topic, or all of them. What waits is asked about again. */
  forget(conversation: Conversation, key?: TargetKey): void {
    const { gates } = conversation;
    if (gates === undefined) return;
    for (const one of key === undefined ? gates.keys() : [key]) {
      const gate = gates.get(one);
      gates.delete(one);
      gate?.check?.withdraw();
    }
  }

  /** It is gone: its questions need no answer. A packet that leans on its stream asks for that one. */
  left(conversation: Conversation): void {
    this.#checks.left(conversation.asker);
  }

  #asks(conversation: Conversation, key: TargetKey, { slice }: NamedTarget): boolean {
    const asks = this.#context.handlers.get(slice.name)?.canSubscribe !== undefined;
    return asks && conversation.granted?.has(key) !== true && conversation.phase === "open";
  }

  /** Keeps a gate, and no more of them than the topics one may follow: the oldest is asked about again. */
  #remember(conversation: Conversation, key: TargetKey, gate: Gate): void {
    const gates = (conversation.gates ??= new Map());
    for (const oldest of gates.keys()) {
      if (gates.size < this.#context.limits.maxTopicsPerConnection) break;
      this.forget(conversation, oldest);
    }
    gates.set(key, gate);
  }
}

/** What canSubscribe is shown. */
class Wish extends Shown implements LooseWish {
  readonly clientId: string;
  readonly user: AnyUser | null;
  readonly topic: TargetKey;
  readonly params: readonly string[];
  readonly purpose: "subscribe" | "dispatch";
  readonly #there: () => Promise<boolean>;
  #exists: Promise<boolean> | undefined;

  constructor(
    { clientId, user, topic, params }: LooseAsking,
    purpose: "subscribe" | "dispatch",
    there: () => Promise<boolean>,
  ) {
    super();
    this.clientId = clientId;
    this.user = user;
    this.topic = topic;
    this.params = params;
    this.purpose = purpose;
    this.#there = there;
  }

  /** A getter, so that it may be taken out of its object. */
  get exists(): () => Promise<boolean> {
    return () => (this.#exists ??= this.#there());
  }
}

class MaySubscribe implements Question<Admitted> {
  readonly shown: Wish;
  readonly #context: ServerContext;
  readonly #handlers: LooseHandlers;

  constructor(context: ServerContext, handlers: LooseHandlers, shown: Wish) {
    this.#context = context;
    this.#handlers = handlers;
    this.shown = shown;
  }

  ask(): unknown {
    return this.#handlers.canSubscribe!(this.shown);
  }
  said(answer: unknown): Admitted {
    return answer === true ? true : "forbidden";
  }
  failed(error: unknown): Admitted {
    this.report(error);
    return "hook";
  }
  /** One that never comes would hold up all that waits for it, and leave who may no longer follow as they are. */
  unanswered(why: Unanswered): Admitted {
    if (why !== "late") return why === "crowded" ? "busy" : "withdrawn";
    const { topic } = this.shown;
    const { checkTimeout } = this.#context.limits;
    return this.failed(
      new CallaError(
        "hook",
        { hook: "canSubscribe", topic },
        `canSubscribe of "${topic}" has not answered within ${checkTimeout} ms (limits.checkTimeout).`,
      ),
    );
  }
  report(error: unknown): void {
    this.#context.report(error);
  }
}

export const asking = (
  conversation: Conversation,
  topic: TargetKey,
  params: readonly string[],
): LooseAsking => ({
  clientId: conversation.clientId,
  user: conversation.user,
  topic,
  params,
});
