// Whether a client may reach a topic at all: the app's canSubscribe is asked, and what is dispatched meanwhile waits in
// order. Not here: whether it may dispatch this very message (handlers.ts).
import { CallaError } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { isThenable } from "./contain.ts";
import type { Conversation, Gate } from "./conversation.ts";
import type { Core } from "./core.ts";
import { deadline } from "./deadline.ts";
import type { LooseAsking } from "./handlers.ts";
import type { Named } from "./places.ts";

export class Gates {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Whether a client may reach a topic: true, or the code that refuses it. */
  admit(
    conversation: Conversation,
    key: TargetKey,
    { slice, params }: Named,
    purpose: "subscribe" | "dispatch",
  ): true | string | Promise<true | string> {
    if (slice.kind === "session") return true; // `named` lets nobody but its client come here
    const handlers = this.#core.handlers.get(slice.name);
    if (handlers === undefined) return "unhandled";
    if (conversation.granted?.has(key) === true) return true;
    if (handlers.canSubscribe === undefined) return handlers.public === true ? true : "forbidden";
    const decide = (allowed: unknown): true | string => (allowed === true ? true : "forbidden");
    const failed = (error: unknown): string => {
      this.#core.report(error);
      return "hook";
    };
    try {
      const { clientId, user } = conversation;
      const answer: unknown = handlers.canSubscribe({ clientId, user, topic: key, params, purpose });
      // Whatever has a `then` is waited for: database libraries answer with thenables of their own.
      return isThenable(answer) ? this.#inTime(answer, key).then(decide, failed) : decide(answer);
    } catch (error) {
      return failed(error);
    }
  }

  /** One that never comes would hold up all that waits for it, and leave who may no longer follow as they are. */
  async #inTime(answer: PromiseLike<unknown>, key: TargetKey): Promise<unknown> {
    const { clock, limits } = this.#core;
    const limit = deadline(clock, limits.checkTimeout);
    let found: unknown;
    const answered = Promise.resolve(answer).then((value) => void (found = value));
    try {
      if (await limit.met(answered)) return found;
    } finally {
      limit.over();
    }
    throw new CallaError(
      "hook",
      { hook: "canSubscribe", topic: key },
      `canSubscribe of "${key}" has not answered within ${limits.checkTimeout} ms (limits.checkTimeout).`,
    );
  }

  /** Runs `go` once it is known whether the client may reach the target; in order per target, at once if it follows. */
  pass(
    conversation: Conversation,
    key: TargetKey,
    named: Named,
    go: (admitted: true | string) => void,
  ): void {
    const gate = conversation.gates?.get(key);
    if (gate?.open === undefined && gate !== undefined) {
      if (gate.waiting.length >= this.#core.limits.maxInFlight) return go("busy");
      gate.waiting.push(go);
      return;
    }
    if (gate?.open === true || conversation.follows.get(key)?.live === true) return go(true);
    const admitted = this.admit(conversation, key, named, "dispatch");
    if (typeof admitted !== "object") return go(admitted);
    const asked: Gate = { open: undefined, waiting: [go] };
    this.#remember(conversation, key, asked);
    void admitted.then((answer) => {
      // Revoked meanwhile: the answer is old, ask again (S43).
      const outdated = conversation.gates?.get(key) !== asked;
      if (!outdated) {
        if (answer === true) asked.open = true;
        else conversation.gates!.delete(key);
      }
      for (const waiting of asked.waiting) {
        if (outdated) this.pass(conversation, key, named, waiting);
        else waiting(answer);
      }
    });
  }

  /** Keeps a gate, and no more of them than the topics one may follow: the oldest is asked about again. */
  #remember(conversation: Conversation, key: TargetKey, gate: Gate): void {
    const gates = (conversation.gates ??= new Map());
    for (const oldest of gates.keys()) {
      if (gates.size < this.#core.limits.maxTopicsPerConnection) break;
      gates.delete(oldest);
    }
    gates.set(key, gate);
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
