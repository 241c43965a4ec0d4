// Whether somebody who has said Hello is let in, on a connection or in a packet: who it is as of now, whether there is
// room, and which of two connections of one client goes. Not here: who it is (hello.ts), what it may say then (router.ts).
import type { Cancel, ClientFrames } from "@calla/shared";
import type { Authenticator } from "../app/authenticate.ts";
import type { Identification, Identifications } from "../app/inquiry.ts";
import type { ConnectRequest } from "../base/connection.ts";
import type { ByteIntake } from "../connection/byte-limits.ts";
import { SPREAD } from "../connection/connection-quota.ts";
import type { ConnectionQuota, CountByKey } from "../connection/connection-quota.ts";
import type { Conversation, ConversationState, Turn } from "../connection/conversation.ts";
import type { IdentityQuota } from "../connection/identity-quota.ts";
import type { Parties } from "../connection/parties.ts";
import { limited, refused } from "../connection/refusal.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { ProxyWatch } from "../identity/proxy-watch.ts";
import type { Access } from "./access.ts";
import { greet } from "./hello.ts";
import type { Greeting } from "./hello.ts";

/** Why nobody new is served: the server drains or stops. Clients retry within so many milliseconds. */
export interface Unavailable {
  readonly code: "draining" | "stopping";
  readonly within: number;
}

/** How this server finds out who somebody is and from where, as its options say. */
export interface Entrance {
  readonly authenticator: Authenticator;
  /** The key that signs identities. */
  secret(): Uint8Array | Promise<Uint8Array>;
  /** What a connection's address is counted as. */
  addressOf(request: ConnectRequest): string | undefined;
  readonly proxyWatch: ProxyWatch;
  /** What comes in, in bytes, and connections by address: also of who is not of this half. */
  readonly bytes: ByteIntake;
  readonly connections: CountByKey;
}

export interface AdmissionParts {
  readonly context: ServerContext;
  readonly entrance: Entrance;
  readonly identifications: Identifications;
  readonly connectionQuota: ConnectionQuota;
  readonly identityQuota: IdentityQuota;
  readonly parties: Parties;
  readonly access: Access;
  /** The open connection of each client, and of each that only sends what a page has left (CV17). */
  readonly clients: Map<string, Conversation>;
  readonly flushers: Map<string, Conversation>;
}

/** Who is let in, and the answer to its Hello. */
export type Welcome = Extract<Greeting, { ok: true }>;

export class Admission {
  readonly #parts: AdmissionParts;
  /** Ends the wait of each that is not let in yet. */
  readonly #waits = new Map<Conversation, Cancel>();
  #hellos = 0;
  #away: Unavailable | undefined;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Why nobody new is served, if so. */
  get away(): Unavailable | undefined {
    return this.#away;
  }
  /** Serves nobody new from now on. */
  shut(why: Unavailable): void {
    this.#away = why;
  }

  /** Somebody is there, and has helloTimeout to be let in. */
  arrived(conversation: Conversation): void {
    const { context, parties } = this.#parts;
    parties.arrived(conversation.membership);
    const late = (): void => conversation.end("hello-timeout");
    this.#waits.set(conversation, context.clock.setTimeout(late, context.limits.helloTimeout));
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    const { entrance, parties, access } = this.#parts;
    this.#waitsNoMore(conversation);
    parties.left(conversation.membership);
    // The questions of a packet that speaks for a stream are that one's.
    if (conversation.stream === undefined) access.left(conversation);
    entrance.authenticator.left(conversation);
  }

  #waitsNoMore(conversation: Conversation): void {
    this.#waits.get(conversation)?.();
    this.#waits.delete(conversation);
  }

  /** `enter` is called in the step in which it is let in; otherwise it is told why not, and ended. At once where all is known. */
  admit(
    conversation: Conversation,
    hello: ClientFrames["Hello"],
    enter: (welcome: Welcome) => void,
  ): Promise<void> | undefined {
    const { context, connectionQuota, entrance, identifications } = this.#parts;
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
    const { authenticator: authenticating, secret } = entrance;
    const found = greet({ context, authenticating, secret }, hello, conversation);
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
    const { connectionQuota, clients, flushers } = this.#parts;
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
    // A page speaks for itself: a client that would flush for it retries later, or ends when the page comes back (CV17).
    if (flushes && clients.has(clientId)) return void conversation.end("in-use");
    if (isPacket) {
      if (!this.#speaksFor(conversation, peers.get(clientId))) return undefined;
      this.#open(conversation, turn, before);
      return before;
    }
    conversation.speaker = flushes ? "flush" : endsWithAnswers(conversation, hello) ? "poll" : "page";
    const flusher = flushers.get(clientId);
    if (flusher !== undefined && !flushes) flusher.end("superseded");
    // One client speaks by one connection: the newer takes over, the older must not reconnect (CV6).
    const other = peers.get(clientId);
    if (other !== undefined && overtaken(turn, other.state)) return void conversation.end("superseded");
    other?.end("superseded");
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
    const { context, identityQuota } = this.#parts;
    const wait = fresh ? identityQuota.arrived(conversation.address) : 0;
    if (wait === 0) return true;
    limited(context, conversation, "identityRate", undefined);
    conversation.end("rate", wait);
    return false;
  }

  /** A packet can be given neither a new identity nor the news that its token runs out: its client says Hello again (CV16). */
  #isKnown(packet: Conversation, { fresh, expires = Infinity }: Welcome): boolean {
    const expired = expires <= this.#parts.context.clock.now();
    if (expired) packet.end("token-expired");
    else if (fresh) packet.end("identity");
    return !expired && !fresh;
  }

  /** A client whose stream is here and not yet sent away is served like any; any other is served elsewhere (SV8). */
  #speaksFor(packet: Conversation, stream: Conversation | undefined): boolean {
    const away = this.#away;
    if (away !== undefined && stream?.leaving !== false) {
      packet.end(away.code, away.within);
      return false;
    }
    packet.stream = stream;
    return true;
  }

  #hasRoom(conversation: Conversation, { user }: Welcome): boolean {
    const { context, entrance, connectionQuota } = this.#parts;
    const userId = user?.id ?? null;
    entrance.proxyWatch.user(conversation.address, userId);
    if (connectionQuota.identified(conversation, userId)) return true;
    limited(context, conversation, "maxConnectionsPerUser", undefined, "too-many-connections");
    conversation.end("too-many-connections", SPREAD);
    return false;
  }

  #open(conversation: Conversation, turn: Turn, { clientId, user, fresh }: Welcome): void {
    const { context, parties } = this.#parts;
    const { stream, membership } = conversation;
    conversation.opens({ ...turn, clientId, user, since: context.clock.monotonic() });
    if (stream === undefined) return parties.entered(membership, conversation, fresh);
    conversation.leanOn(stream);
    parties.leans(membership, stream.membership);
  }

  #refuse(conversation: Conversation, greeting: Extract<Greeting, { ok: false }>): undefined {
    const { context } = this.#parts;
    const { code } = greeting;
    if ("error" in greeting && greeting.error !== undefined) context.report(greeting.error);
    refused(context, conversation, undefined, code, {});
    if (code === "version") {
      conversation.send(greeting.last);
      return void conversation.end({ code, retryable: !greeting.last.terminal });
    }
    if (code !== "unauthenticated") return void conversation.end(code);
    // A packet's token may have run out since its client's Hello; a new Hello brings a fresh one, and its answer says if
    // that is no good.
    return void conversation.end({ code, retryable: conversation.speaker === "packet" });
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
