// Whether a client may reach a topic at all: canSubscribe of the app answers that, and what the client dispatches meanwhile
// waits in order. Not here: whether it may dispatch this very message (handlers.ts), how many are asked at a time (app-checks.ts),
// which answers count (inquiry.ts).
import { CallaError } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { Asker, AppChecks, Shown } from "../app/app-checks.ts";
import type { Check, Question, Unanswered } from "../app/app-checks.ts";
import type { Admitted, DeniedCode } from "../app/intent.ts";
import { ASKED_AGAIN, Inquiry } from "../app/inquiry.ts";
import type { InquiryOptions } from "../app/inquiry.ts";
import { AccessState } from "../connection/conversation.ts";
import type { Conversation } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { exists } from "../target/existence.ts";
import type { AnyUser, LooseAsking, LooseHandlers, LooseAccessRequest } from "../app/handlers.ts";
import type { NamedTarget } from "../target/target-directory.ts";
import type { TargetRegistry } from "../target/target-registry.ts";

/** Whether asking again later may help. */
export const isTemporary = (code: Denied): code is Exclude<Denied, DeniedCode> =>
  code === "hook" || toldAs(code) === "busy";

/** The code that the client gets. */
export const toldAs = (code: Denied): DeniedCode | "hook" | "busy" => (code === "withdrawn" ? "busy" : code);

type Denied = Exclude<Admitted, true>;

/** What a question is for. `recheck`: what was allowed goes on where asking fails. */
export type Purpose = "subscribe" | "dispatch" | "recheck";

export class Access {
  readonly #context: ServerContext;
  readonly #registry: TargetRegistry;
  readonly #checks: AppChecks;
  /** That rights change too often is reported once. */
  #isReported = false;

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

  /** Whether a client may reach a topic: at once, or by a question that the app answers later. */
  ask(
    conversation: Conversation,
    key: TargetKey,
    named: NamedTarget,
    purpose: Purpose,
  ): Admitted | Inquiry<Admitted> {
    const known = this.#known(conversation, key, named);
    if (known !== undefined) return known;
    const state = stateOf(conversation);
    const inquiries = (state.inquiries ??= new Set());
    const options: InquiryOptions<Admitted> = {
      clock: this.#context.clock,
      within: this.#context.limits.checkTimeout,
      tooOften: () => this.#tooOften(key),
      over: (one) => void inquiries.delete(one),
    };
    const check = (): Admitted | Check<Admitted> =>
      this.#known(conversation, key, named) ?? this.#check(conversation, key, named, purpose);
    const inquiry = new Inquiry(options, key, check, purpose === "recheck");
    inquiries.add(inquiry);
    return inquiry.begin() ?? inquiry;
  }

  /** What needs no question. */
  #known(conversation: Conversation, key: TargetKey, { slice }: NamedTarget): Admitted | undefined {
    if (slice.kind === "session") return true; // `named` lets nobody but its client come here
    const handlers = this.#context.handlers.get(slice.name);
    if (handlers === undefined) return "unhandled";
    if (this.isGranted(conversation, key)) return true;
    if (handlers.canSubscribe === undefined) return handlers.public === true ? true : "forbidden";
    return undefined;
  }

  #check(
    conversation: Conversation,
    key: TargetKey,
    { slice, params }: NamedTarget,
    purpose: Purpose,
  ): Admitted | Check<Admitted> {
    const there = (): Promise<boolean> =>
      slice.kind === "ephemeral" ? Promise.resolve(true) : exists(this.#context, this.#registry, key);
    const shown = new AccessRequest(
      asking(conversation, key, params),
      purpose === "dispatch" ? purpose : "subscribe",
      there,
    );
    const handlers = this.#context.handlers.get(slice.name)!;
    const { asker } = stateOf(conversation);
    return this.#checks.ask(asker, new MaySubscribe(this.#context, handlers, shown));
  }

  /** Runs `go` once it is known whether the client may reach the target; in order per target, at once if it has subscribed. */
  pass(
    conversation: Conversation,
    key: TargetKey,
    named: NamedTarget,
    go: (admitted: Admitted) => void,
  ): void {
    const gate = accessOf(conversation)?.gates?.get(key);
    // Whoever it waits with may end while it goes on: a packet's stream. Then it asks for itself.
    const when = (admitted: Admitted): void => {
      if (conversation.phase !== "open") return;
      if (admitted === "withdrawn") this.pass(conversation, key, named, go);
      else go(admitted);
    };
    if (Array.isArray(gate)) {
      if (gate.length >= this.#context.limits.maxInFlight) return go("busy");
      gate.push(when);
      return;
    }
    if (gate === "open" || conversation.subscriptions.get(key)?.live === true) return go(true);
    if (!this.#hasRoom(conversation)) return go("busy");
    const asked = this.ask(conversation, key, named, "dispatch");
    if (!(asked instanceof Inquiry)) {
      // Remembered like an answer that came later: both are asked for equally often (HA3).
      if (asked === true && this.#asks(conversation, key, named)) this.#remember(conversation, key, "open");
      return go(asked);
    }
    const waiting = [when];
    const gates = this.#remember(conversation, key, waiting);
    asked.whenAnswered((answer) => {
      if (answer === true) gates.set(key, "open");
      else gates.delete(key);
      for (const one of waiting) one(answer);
    });
  }

  /** Messages wait to hear whether they may reach the topic. */
  isWaiting(conversation: Conversation, key: TargetKey): boolean {
    return Array.isArray(accessOf(conversation)?.gates?.get(key));
  }

  /** Rights have changed, to one topic or to all: what is being asked is asked again, what was allowed is forgotten. */
  changed(conversation: Conversation, key?: TargetKey): void {
    this.forget(conversation, key);
    for (const inquiry of accessOf(conversation)?.inquiries ?? [])
      if (key === undefined || inquiry.topic === key) inquiry.changed();
  }

  /** The app is asked again, the next time, about what a client was allowed to reach without a subscription. */
  forget(conversation: Conversation, key?: TargetKey): void {
    const gates = accessOf(conversation)?.gates;
    if (gates === undefined) return;
    for (const one of key === undefined ? gates.keys() : [key])
      if (gates.get(one) === "open") gates.delete(one);
  }

  /** It may subscribe to a topic, whatever `canSubscribe` says. */
  grant(conversation: Conversation, key: TargetKey): void {
    (stateOf(conversation).granted ??= new Set()).add(key);
    this.changed(conversation, key); // what waits there is asked about again, and is granted now
  }
  revoke(conversation: Conversation, key: TargetKey): void {
    accessOf(conversation)?.granted?.delete(key);
    this.changed(conversation, key);
  }
  isGranted(conversation: Conversation, key: TargetKey): boolean {
    return accessOf(conversation)?.granted?.has(key) === true;
  }

  /** It is gone: its questions need no answer. A packet with a stream has none: it shares that one's. */
  left(conversation: Conversation): void {
    this.#checks.left(accessOf(conversation)?.asker);
  }

  #tooOften(topic: TargetKey): Admitted {
    if (!this.#isReported) {
      this.#isReported = true;
      this.#context.report(
        new CallaError(
          "hook",
          { hook: "canSubscribe", topic },
          `Rights changed ${ASKED_AGAIN + 1} times while canSubscribe was being asked about "${topic}" (or for limits.checkTimeout), ` +
            "so that no answer counts and the client has to come back. Name in reauthorise() whose rights changed " +
            "(userId, clientId, topic), or let canSubscribe answer sooner. Told once.",
        ),
      );
    }
    return "busy";
  }

  #asks(conversation: Conversation, key: TargetKey, { slice }: NamedTarget): boolean {
    const asks = this.#context.handlers.get(slice.name)?.canSubscribe !== undefined;
    return asks && !this.isGranted(conversation, key) && conversation.phase === "open";
  }

  /** Of topics dispatched to no more are remembered than one may subscribe to: the oldest answer makes room. */
  #hasRoom(conversation: Conversation): boolean {
    const gates = accessOf(conversation)?.gates;
    return gates === undefined || gates.size < this.#most || oldestAnswer(gates) !== undefined;
  }

  #remember(
    conversation: Conversation,
    key: TargetKey,
    waiting: Waiting | "open",
  ): Map<TargetKey, Waiting | "open"> {
    const gates = (stateOf(conversation).gates ??= new Map<TargetKey, Waiting | "open">());
    const oldest = gates.size < this.#most ? undefined : oldestAnswer(gates);
    if (oldest !== undefined) gates.delete(oldest);
    gates.set(key, waiting);
    return gates;
  }

  get #most(): number {
    return this.#context.limits.maxTopicsPerConnection;
  }
}

type Waiting = ((admitted: Admitted) => void)[];

function oldestAnswer(gates: ReadonlyMap<TargetKey, Waiting | "open">): TargetKey | undefined {
  for (const [key, waiting] of gates) if (waiting === "open") return key;
  return undefined;
}

/** A packet speaks for a client whose stream is here: what that may reach, this may, and no longer than that (S43). */
const accessOf = ({ stream, access }: Conversation): AccessState | undefined =>
  stream === undefined ? access : stream.access;

function stateOf(conversation: Conversation): AccessState {
  const holder = conversation.stream ?? conversation;
  return (holder.access ??= new AccessState(new Asker(holder.membership.party?.key ?? "")));
}

/** What canSubscribe is shown. */
class AccessRequest extends Shown implements LooseAccessRequest {
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
  readonly shown: AccessRequest;
  readonly #context: ServerContext;
  readonly #handlers: LooseHandlers;

  constructor(context: ServerContext, handlers: LooseHandlers, shown: AccessRequest) {
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
  /** One that never comes would hold up all that waits for it, and leave subscriptions that are not allowed any more. */
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
