// Whether somebody who has said Hello is let in, on a connection or in a packet: who it is as of now, whether there is
// room, and which of two connections of one client goes. Not here: who it is (hello.ts), what it may say then (router.ts).
import type { Cancel, ClientFrames, RefusedCode } from "@calla/shared";
import type { Identification, Identifications } from "../app/inquiry.ts";
import type { ConnectRequest } from "../base/connection.ts";
import type { ConnectionEnd } from "../base/ending.ts";
import { SPREAD } from "../connection/connection-quota.ts";
import type { ConnectionQuota } from "../connection/connection-quota.ts";
import type { Conversation, ConversationState, Turn } from "../connection/conversation.ts";
import type { IdentityQuota } from "../connection/identity-quota.ts";
import type { Parties } from "../connection/parties.ts";
import { refused } from "../connection/refusal.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { Access } from "./access.ts";
import type { Greeting } from "./hello.ts";

/** Why nobody new is served: the server drains or stops. Who comes is told to come back within so many milliseconds. */
export interface Unavailable {
  readonly code: "draining" | "stopping";
  readonly within: number;
}

export interface AdmissionHooks {
  greet(hello: ClientFrames["Hello"], who: Conversation): Greeting | Promise<Greeting>;
  /** It is gone: whatever is being found out about it is not needed any more. */
  left(who: Conversation): void;
  /** What a connection's address is counted as. */
  addressOf(request: ConnectRequest): string | undefined;
  /** A user has come from an address. */
  came(address: string | undefined, userId: string | null): void;
}

export interface AdmissionParts {
  readonly context: ServerContext;
  readonly hooks: AdmissionHooks;
  readonly identifications: Identifications;
  readonly connectionQuota: ConnectionQuota;
  readonly identityQuota: IdentityQuota;
  readonly parties: Parties;
  readonly access: Access;
  /** The open connection of each client, and of each that only sends what a page has left (CV17). */
  readonly clients: Map<string, Conversation>;
  readonly flushers: Map<string, Conversation>;
  away(): Unavailable | undefined;
  limited(conversation: Conversation, limit: string, target: undefined, code?: RefusedCode): void;
  end(conversation: Conversation, end: ConnectionEnd, within?: number): void;
}

/** Who is let in, and what it is told. */
export type Welcome = Extract<Greeting, { ok: true }>;

export class Admission {
  readonly #parts: AdmissionParts;
  /** Ends the wait of each that is not let in yet. */
  readonly #waits = new Map<Conversation, Cancel>();
  #hellos = 0;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Somebody is there who has helloTimeout to be let in; then `late`. */
  arrived(conversation: Conversation, late: () => void): void {
    const { context, hooks, parties } = this.#parts;
    conversation.address = hooks.addressOf(conversation.request);
    parties.arrived(conversation);
    this.#waits.set(conversation, context.clock.setTimeout(late, context.limits.helloTimeout));
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    const { hooks, parties, access } = this.#parts;
    this.#waitsNoMore(conversation);
    parties.left(conversation);
    // A packet that speaks for a stream asks for that one.
    if (conversation.stream === undefined) access.left(conversation);
    hooks.left(conversation);
  }

  #waitsNoMore(conversation: Conversation): void {
    this.#waits.get(conversation)?.();
    this.#waits.delete(conversation);
  }

  /** `enter` is called in the step in which it is let in; who is not is told and ended. At once where all is known. */
  admit(
    conversation: Conversation,
    hello: ClientFrames["Hello"],
    enter: (welcome: Welcome) => void,
  ): Promise<void> | undefined {
    const { connectionQuota, hooks, identifications } = this.#parts;
    const turn: Turn = { order: ++this.#hellos, attempt: hello.attempt };
    conversation.greets(turn);
    if (conversation.speaker !== "packet") connectionQuota.greeting(conversation);
    const identification = identifications.begin(hello.identity?.clientId);
    const greeted = (found: Greeting): void => {
      try {
        const welcome = this.#greeted(conversation, hello, turn, found, identification);
        if (welcome !== undefined) enter(welcome);
      } finally {
        identification.end();
      }
    };
    const found = hooks.greet(hello, conversation);
    if (found instanceof Promise) return found.then(greeted);
    greeted(found);
    return undefined;
  }

  #greeted(
    conversation: Conversation,
    hello: ClientFrames["Hello"],
    turn: Turn,
    found: Greeting,
    identification: Identification,
  ): Welcome | undefined {
    if (conversation.phase !== "greeting") return undefined; // gone meanwhile
    const { connectionQuota, clients, flushers, end } = this.#parts;
    this.#waitsNoMore(conversation);
    connectionQuota.greeted(conversation);
    const asNow = (): Greeting => (found.ok ? identification.asNow(found, found.clientId) : found);
    const before = asNow();
    if (!before.ok) return this.#refuse(conversation, before);
    const { clientId } = before;
    const flushes = hello.flushOnly === true;
    const peers = flushes ? flushers : clients;
    const isPacket = conversation.speaker === "packet";
    if (!(isPacket ? this.#isKnown(conversation, before) : this.#mayBeNew(conversation, before)))
      return undefined;
    // A page speaks for itself: who would flush for it waits, or lets go when it comes back (CV17).
    if (flushes && clients.has(clientId)) return void end(conversation, "in-use");
    if (isPacket) {
      if (!this.#speaksFor(conversation, peers.get(clientId))) return undefined;
      this.#open(conversation, turn, before);
      return before;
    }
    conversation.speaker = flushes ? "flush" : endsWithAnswers(conversation, hello) ? "poll" : "page";
    const flusher = flushers.get(clientId);
    if (flusher !== undefined && !flushes) end(flusher, "superseded");
    // One client speaks by one connection: the newer takes over, the older must not come back (CV6).
    const other = peers.get(clientId);
    if (other !== undefined && overtaken(turn, other.state)) return void end(conversation, "superseded");
    if (other !== undefined) end(other, "superseded");
    // Hooks have heard of those ends: what they have said of this one counts, too.
    if (conversation.is("closed")) return undefined;
    const welcome = asNow();
    if (!welcome.ok) return this.#refuse(conversation, welcome);
    if (!this.#hasRoom(conversation, welcome)) return undefined;
    this.#open(conversation, turn, welcome);
    peers.set(clientId, conversation);
    return welcome;
  }

  /** A connection of a client that was never seen costs its address an identity. */
  #mayBeNew(conversation: Conversation, { fresh }: Welcome): boolean {
    const { identityQuota, limited, end } = this.#parts;
    const wait = fresh ? identityQuota.arrived(conversation.address) : 0;
    if (wait === 0) return true;
    limited(conversation, "identityRate", undefined);
    end(conversation, "rate", wait);
    return false;
  }

  /** A packet can be told neither a new identity nor that its token runs out: its client says Hello anew (CV16). */
  #isKnown(packet: Conversation, { fresh, expires = Infinity }: Welcome): boolean {
    const { context, end } = this.#parts;
    const expired = expires <= context.clock.now();
    if (expired) end(packet, "token-expired");
    else if (fresh) end(packet, "identity");
    return !expired && !fresh;
  }

  /** Whose stream is here and not yet sent away is served like any; whoever else asks has to be told elsewhere (SV8). */
  #speaksFor(packet: Conversation, stream: Conversation | undefined): boolean {
    const away = this.#parts.away();
    if (away !== undefined && stream?.leaving !== false) {
      this.#parts.end(packet, away.code, away.within);
      return false;
    }
    packet.stream = stream;
    return true;
  }

  #hasRoom(conversation: Conversation, { user }: Welcome): boolean {
    const { hooks, connectionQuota, limited, end } = this.#parts;
    const userId = user?.id ?? null;
    hooks.came(conversation.address, userId);
    if (connectionQuota.identified(conversation, userId)) return true;
    limited(conversation, "maxConnectionsPerUser", undefined, "too-many-connections");
    end(conversation, "too-many-connections", SPREAD);
    return false;
  }

  #open(conversation: Conversation, turn: Turn, { clientId, user, fresh }: Welcome): void {
    const { context, parties } = this.#parts;
    const { stream } = conversation;
    conversation.opens({ ...turn, clientId, user, since: context.clock.monotonic() });
    if (stream === undefined) return parties.entered(conversation, fresh);
    conversation.leanOn(stream);
    parties.leans(conversation, stream);
  }

  #refuse(conversation: Conversation, greeting: Extract<Greeting, { ok: false }>): undefined {
    const { context, end } = this.#parts;
    const { code } = greeting;
    if ("error" in greeting && greeting.error !== undefined) context.report(greeting.error);
    refused(context, conversation, undefined, code, {});
    if (code === "version") {
      conversation.send(greeting.last);
      return void end(conversation, { code, retryable: !greeting.last.terminal });
    }
    if (code !== "unauthenticated") return void end(conversation, code);
    // A packet's token may have run out since its client's Hello; a new Hello brings a fresh one, and is told if that is
    // no good.
    return void end(conversation, { code, retryable: conversation.speaker === "packet" });
  }
}

/** A connection for one question: it ends as soon as that is answered. */
export const endsWithAnswers = ({ connection }: Conversation, hello: ClientFrames["Hello"]): boolean =>
  hello.poll === true && connection.finish !== undefined;

/**
 * Whether the other one's Hello is the newer: it came later (this one was identified late), or it is the same page's and
 * that said it later (a proxy held this one back).
 */
const overtaken = ({ order, attempt }: Turn, other: ConversationState): boolean =>
  other.phase === "open" &&
  (other.order > order ||
    (attempt !== undefined && other.attempt?.[0] === attempt[0] && other.attempt[1] > attempt[1]));
