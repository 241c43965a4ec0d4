// The channel that every topic of supabase's is: joins, broadcasts, presence, tokens, replays. What it tells of itself it tells by
// `system`, behind which an end comes as `phx_close`: clients do not join again by themselves then.
import { isDeepStrictEqual } from "node:util";
import { CallaError, isBytes } from "@calla/shared";
import type { SteadyClock } from "@calla/shared";
import { TokenBucket } from "../base/token-bucket.ts";
import { defineChannel } from "../channels/definition/define-channel.ts";
import type { Channel, ChannelSocket, HandleResult, Joining } from "../channels/definition/channel-types.ts";
import { definitionOf, setDefinition } from "../channels/definition/definition.ts";
import type { ChannelDefinition } from "../channels/definition/definition.ts";
import { joined, noReply, push, refused, reply, stop } from "../channels/definition/results.ts";
import type { Joined, Refused } from "../channels/definition/results.ts";
import type { ChannelRefusal } from "../channels/engine/channels-context.ts";
import type { ChannelsHost } from "../channels/engine/host.ts";
import { generateClientId } from "../identity/signed-identity.ts";
import { UnsayableMessage } from "../channels/wire/serialiser.ts";
import type { Json, JsonObject } from "../channels/wire/message.ts";
import type { Broadcasts, Content } from "./broadcasts.ts";
import { contentOf, payloadOf } from "./broadcasts.ts";
import { inTime } from "./in-time.ts";
import { joinConfigOf, replayOf } from "./join-config.ts";
import type { JoinConfig, ReplayStart } from "./join-config.ts";
import type { SupabaseLimits } from "./limits.ts";
import { Member } from "./member.ts";
import { isOfPresence, NO_MAP, presenceCallOf } from "./presence-calls.ts";
import { expiryOf, isOver, REFUSED, unauthorized } from "./rights.ts";
import type { Rights } from "./rights.ts";
import { appTopicOf, audienceOf, PATTERN, topicProblem } from "./topics.ts";
import { BROADCAST, dataBytes } from "./user-broadcast.ts";
import { systemMessage, tokenOf, visitorOf } from "./visitor.ts";
import type { Visitor } from "./visitor.ts";

type Assigns = { readonly member: Member };
type Socket = ChannelSocket<Assigns>;

/** UTF-8 bytes of an event's name: a binary frame has a byte for its length. */
const LONGEST_EVENT = 255;

export class RealtimeChannel {
  readonly channel: Channel;
  readonly #rights: Rights;
  readonly #broadcasts: Broadcasts;
  readonly #limits: SupabaseLimits;
  readonly #host: ChannelsHost;
  readonly #clock: SteadyClock;
  readonly #bucket: TokenBucket;
  readonly #presenceBucket: TokenBucket;

  constructor(parts: {
    readonly rights: Rights;
    readonly broadcasts: Broadcasts;
    readonly limits: SupabaseLimits;
    readonly host: ChannelsHost;
    readonly clock: SteadyClock;
  }) {
    this.#rights = parts.rights;
    this.#broadcasts = parts.broadcasts;
    this.#limits = parts.limits;
    this.#host = parts.host;
    this.#clock = parts.clock;
    this.#bucket = new TokenBucket(parts.limits.broadcastRate, parts.limits.broadcastBurst);
    this.#presenceBucket = new TokenBucket(parts.limits.presenceRate, parts.limits.presenceBurst);
    const channel = defineChannel(PATTERN)
      .join((joining) => this.#join(joining))
      .presence({ state: false, key: ({ assigns }) => assigns.member.key })
      .joined((socket) => this.#begin(socket))
      .handleIn(BROADCAST, (payload, socket) => this.#say(socket, textContent(payload)))
      .handleBinary(BROADCAST, (body, socket) => this.#say(socket, { body }))
      .handleIn("access_token", (payload, socket) => this.#newToken(socket, payload))
      .handleIn("presence", (said, socket) => this.#presence(socket, said))
      .mayStay((socket) => this.#mayStay(socket))
      .terminate((_, socket) => this.#end(socket));
    setDefinition(channel, {
      ...(definitionOf(channel) as ChannelDefinition),
      audience: ({ assigns }) => {
        const { topic, isPrivate } = (assigns as Assigns).member;
        return audienceOf(topic, isPrivate);
      },
      hears: (event, { assigns }) => !isOfPresence(event) || (assigns as Assigns).member.hasPresence,
    });
    this.channel = channel;
  }

  // ------------------------------------------------------------------------------------------------------------ joins

  #join({
    topic,
    payload,
    socket,
    signal,
  }: Joining): Refused | Joined<Assigns> | Promise<Refused | Joined<Assigns>> {
    const visitor = visitorOf(socket.assigns);
    if (visitor === undefined)
      return refused("This topic is for clients of supabase, who connect to another path of this server.");
    const name = appTopicOf(topic);
    const config = joinConfigOf(payload);
    const problem = topicProblem(name) ?? ("refusal" in config ? config.refusal : this.#unserved(config));
    if (problem !== undefined || "refusal" in config) return refused(problem ?? NO_REPLAY);
    if (config.unread.length > 0)
      this.#tell(socket.id, topic, "invalid", { unread: config.unread, cure: "Their defaults are used." });
    const replay = config.replay === undefined ? undefined : replayOf(config.replay);
    const { enabled: hasPresence, key: given } = config.presence;
    const key = given === "" ? generateClientId(this.#host.random) : given;
    const asked = { ...config, topic: name, replay, key, hasPresence };
    const token = tokenOf(config.token, visitor.apikey);
    if (token === undefined && !config.isPrivate) return joinedAs(asked, { token, user: undefined });
    return this.#joinWithRights(asked, token, visitor, signal);
  }

  async #joinWithRights(
    asked: Asked,
    token: string | undefined,
    visitor: Visitor,
    signal: AbortSignal,
  ): Promise<Refused | Joined<Assigns>> {
    const { apikey, assigns } = visitor;
    const { topic, isPrivate } = asked;
    const user =
      token === undefined ? undefined : await this.#rights.user({ token, apikey, assigns, signal });
    if (user === REFUSED || isOver(user, this.#clock.now())) return refused(BAD_TOKEN);
    if (isPrivate && !(await this.#rights.mayRead({ topic, user, assigns, signal })))
      return refused(this.#rights.served ? unauthorized("read from", topic) : NO_PRIVATE);
    // It may have ended while mayRead was asked.
    if (isOver(user, this.#clock.now())) return refused(BAD_TOKEN);
    return joinedAs(asked, { token, user });
  }

  /** What is asked for and not to be had here: said at once, for a client would wait for it. */
  #unserved({ isPrivate, replay, postgresChanges }: JoinConfig): string | undefined {
    if (postgresChanges > 0) return NO_DATABASE;
    if (replay === undefined) return undefined;
    if (!isPrivate) return "UnableToReplayMessages: Replay is not allowed for public channels";
    if (replayOf(replay) === undefined) return "UnableToReplayMessages: Replay params are not valid";
    return this.#broadcasts.keeps ? undefined : NO_REPLAY;
  }

  /** Right behind the answer; from here on it hears what is broadcast. */
  #begin(socket: Socket): void | Promise<void> {
    const { member } = socket.assigns;
    const visitor = visitorOf(socket.assigns);
    visitor?.channels.add(socket);
    member.paid = visitor?.owes(socket.topic) ?? 0;
    member.presencePaid = visitor?.owes(presenceOf(socket.topic)) ?? 0;
    this.#awaitExpiry(socket);
    if (member.replicationReady)
      socket.push("system", systemMessage(socket.topic, "ok", "Broadcasts are served"));
    if (member.hasPresence) socket.presence.pushState();
    if (member.replay !== undefined) return this.#replay(socket, member.replay);
  }

  async #replay(socket: Socket, { since, limit }: ReplayStart): Promise<void> {
    const { member } = socket.assigns;
    const kept = await this.#inTime(this.#broadcasts.kept(member.topic, since, limit, this.#broadcasts.mark));
    if (isOver(member.user, this.#clock.now())) return this.#expired(socket);
    for (const { id, event, payload } of kept)
      try {
        socket.push(BROADCAST, payloadOf(contentOf(event, payload), { replayed: true, id }));
      } catch (error) {
        // Bytes, to a client of version 1: it would not have heard them either.
        if (!(error instanceof UnsayableMessage && isBytes(payload))) throw error;
      }
  }

  #end(socket: Socket): void {
    const { member } = socket.assigns;
    member.expiry?.();
    const visitor = visitorOf(socket.assigns);
    visitor?.channels.delete(socket);
    visitor?.leaves(socket.topic, member.paid);
    visitor?.leaves(presenceOf(socket.topic), member.presencePaid);
  }

  // ------------------------------------------------------------------------------------------------------- broadcasts

  #say(socket: Socket, content: Content | undefined): HandleResult | Promise<HandleResult> {
    const { member } = socket.assigns;
    if (!this.#pays(member)) return this.#tooFast(socket);
    if (content === undefined) return this.#answer(member, "error", { reason: BAD_BROADCAST });
    if (sizeOf(content) > this.#limits.maxBroadcastBytes) {
      this.#tell(socket.socketId, socket.topic, "invalid", { limit: "maxBroadcastBytes" });
      return this.#answer(member, "error", "payload_size_exceeded");
    }
    if (!member.isPrivate) return this.#said(socket, content);
    // A timer may come late: the machine was asleep, or its time was set.
    if (isOver(member.user, this.#clock.now())) return failed(socket, EXPIRED);
    if (member.mayWrite === true) return this.#said(socket, content);
    return this.#asWriter(
      socket,
      () => this.#said(socket, content),
      (reason) => this.#answer(member, "error", { reason }),
    );
  }

  async #asWriter(
    socket: Socket,
    may: () => HandleResult,
    mayNot: (reason: string) => HandleResult,
  ): Promise<HandleResult> {
    const { member } = socket.assigns;
    const mayWrite = await this.#mayWrite(socket);
    // Its end may have come meanwhile: what has no right to be heard any more is not said.
    if (socket.signal.aborted) return noReply();
    if (isOver(member.user, this.#clock.now())) return failed(socket, EXPIRED);
    if (mayWrite) return may();
    this.#tell(socket.socketId, socket.topic, "write-refused", { hook: "mayWrite" });
    return mayNot(unauthorized("write to", member.topic));
  }

  /** Asked once until rights change. */
  async #mayWrite(socket: Socket): Promise<boolean> {
    const { member } = socket.assigns;
    while (member.mayWrite === undefined) {
      const { changes } = member;
      const mayWrite = await this.#inTime(this.#rights.mayWrite(this.#right(socket)));
      if (member.changes === changes) member.mayWrite = mayWrite;
    }
    return member.mayWrite;
  }

  #said(socket: Socket, content: Content): HandleResult {
    const { member } = socket.assigns;
    this.#broadcasts.say(member, content, member.self ? undefined : socket.socketId);
    return this.#answer(member, "ok", {});
  }

  #answer(member: Member, status: string, response: Json): HandleResult {
    return member.ack ? reply(status, response) : noReply();
  }

  #pays(member: Member): boolean {
    const paid = this.#bucket.take(member.paid, this.#clock.monotonic());
    if (paid !== undefined) member.paid = paid;
    return paid !== undefined;
  }

  #tooFast(socket: Socket, limit: "broadcastRate" | "presenceRate" = "broadcastRate"): HandleResult {
    this.#tell(socket.socketId, socket.topic, "rate", { limit });
    return failed(
      socket,
      limit === "broadcastRate" ? "Too many messages per second" : "Too many calls of presence",
    );
  }

  // --------------------------------------------------------------------------------------------------------- presence

  #presence(socket: Socket, said: Json): HandleResult | Promise<HandleResult> {
    const { member } = socket.assigns;
    if (!this.#pays(member)) return this.#tooFast(socket);
    const paid = this.#presenceBucket.take(member.presencePaid, this.#clock.monotonic());
    if (paid === undefined) return this.#tooFast(socket, "presenceRate");
    member.presencePaid = paid;
    const call = presenceCallOf(said);
    if (call.asks === "unknown") return reply("error", {});
    if (call.asks === "untrack") this.#untrack(socket);
    if (call.asks !== "track") return reply();
    const { meta } = call;
    if (meta === undefined) return reply("error", { reason: NO_MAP });
    if (!member.isPrivate) return this.#track(socket, meta);
    if (isOver(member.user, this.#clock.now())) return failed(socket, EXPIRED);
    return this.#asWriter(
      socket,
      () => this.#track(socket, meta),
      (reason) => reply("error", { reason }),
    );
  }

  /** Who tracks hears who is here, from then on: first of those who were. */
  #track(socket: Socket, meta: JsonObject): HandleResult {
    const { member } = socket.assigns;
    const { presence } = socket;
    if (isDeepStrictEqual(member.tracked, meta)) return reply();
    if (!member.hasPresence) {
      member.hasPresence = true;
      presence.pushState();
    }
    try {
      if (member.tracked === undefined) presence.track(meta);
      else presence.update(meta);
    } catch (error) {
      if (!(error instanceof CallaError && error.code === "too-large")) throw error;
      this.#tell(socket.socketId, socket.topic, "invalid", error.details);
      return reply("error", { reason: TOO_LARGE });
    }
    member.tracked = meta;
    return reply();
  }

  #untrack(socket: Socket): void {
    socket.assigns.member.tracked = undefined;
    socket.presence.untrack();
  }

  /** Who may say nothing any more is not shown to others any more, either. */
  async #mayBeListed(socket: Socket): Promise<void> {
    const { member } = socket.assigns;
    if (!member.isPrivate || member.tracked === undefined || (await this.#mayWrite(socket))) return;
    this.#tell(socket.socketId, socket.topic, "write-refused", { hook: "mayWrite" });
    this.#untrack(socket);
  }

  // ----------------------------------------------------------------------------------------------------------- rights

  /** Never answered. */
  #newToken(socket: Socket, payload: Json): HandleResult | Promise<HandleResult> {
    const { member } = socket.assigns;
    if (!this.#pays(member)) return this.#tooFast(socket);
    const visitor = visitorOf(socket.assigns) as Visitor;
    const token = tokenOf((payload as JsonObject | null)?.["access_token"], visitor.apikey);
    if (token === undefined || token === member.token) return noReply();
    return this.#changeUser(socket, token, visitor);
  }

  async #changeUser(
    socket: Socket,
    token: string,
    { apikey, assigns }: Pick<Visitor, "apikey" | "assigns">,
  ): Promise<HandleResult> {
    const { member } = socket.assigns;
    const { signal } = socket;
    const { topic, changes } = member;
    const user = await this.#inTime(this.#rights.user({ token, apikey, assigns, signal }));
    if (user === REFUSED || isOver(user, this.#clock.now())) return failed(socket, BAD_TOKEN);
    if (member.isPrivate && !(await this.#inTime(this.#rights.mayRead({ topic, user, assigns, signal }))))
      return failed(socket, unauthorized("read from", topic));
    if (isOver(user, this.#clock.now())) return failed(socket, BAD_TOKEN);
    if (member.changes !== changes) return this.#changeUser(socket, token, { apikey, assigns });
    member.token = token;
    member.user = user;
    member.rightsChanged();
    if (!signal.aborted) this.#awaitExpiry(socket);
    await this.#mayBeListed(socket);
    return noReply();
  }

  /** Rights have changed, for whatever reason. */
  async #mayStay(socket: Socket): Promise<boolean> {
    const { member } = socket.assigns;
    member.rightsChanged();
    const { changes } = member;
    if (!member.isPrivate || (await this.#inTime(this.#rights.mayRead(this.#right(socket))))) {
      await this.#mayBeListed(socket);
      return true;
    }
    // Whoever has changed them since, or its user, has asked anew.
    if (member.changes !== changes) return true;
    socket.push("system", systemMessage(socket.topic, "error", unauthorized("read from", member.topic)));
    return false;
  }

  /** A private channel does not outlive its token. */
  #awaitExpiry(socket: Socket): void {
    const { member } = socket.assigns;
    member.expiry?.();
    const at = member.isPrivate ? expiryOf(member.user) : undefined;
    if (at === undefined) return;
    member.expiry = this.#clock.setTimeout(
      () => {
        if (!isOver(member.user, this.#clock.now())) return this.#awaitExpiry(socket);
        this.#expired(socket);
      },
      Math.max(0, at - this.#clock.now()),
    );
  }

  #expired(socket: Socket): void {
    socket.push("system", systemMessage(socket.topic, "error", EXPIRED));
    socket.stop("shutdown");
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return inTime(this.#clock, this.#limits.hookTimeout, work);
  }

  #right(socket: Socket) {
    const { topic, user } = socket.assigns.member;
    return { topic, user, assigns: (visitorOf(socket.assigns) as Visitor).assigns, signal: socket.signal };
  }

  #tell(socketId: string, topic: string, code: ChannelRefusal["code"], details: unknown): void {
    this.#host.refuse({ code, socketId, topic, details });
  }
}

/** What a visitor owes for its calls of presence on a topic; no topic begins so. */
const presenceOf = (topic: string): string => `presence ${topic}`;

type Asked = ConstructorParameters<typeof Member>[0];

/** Realtime-js takes the list's absence for an older server. */
const joinedAs = (asked: Asked, who: Pick<Member, "token" | "user">): Joined<Assigns> =>
  joined<Assigns>({ member: new Member(asked, who) }, { postgres_changes: [] });

const failed = (socket: Socket, message: string): HandleResult =>
  stop("shutdown", push("system", systemMessage(socket.topic, "error", message)));

/** What a client says as text: event and payload, and nothing else it may have put beside them. */
function textContent(said: Json): Content | undefined {
  const { event, payload = {} } = (said ?? {}) as JsonObject;
  if (typeof event !== "string" || Buffer.byteLength(event) > LONGEST_EVENT) return undefined;
  return { event, payload };
}

const sizeOf = (content: Content): number =>
  "body" in content ? dataBytes(content.body) : Buffer.byteLength(JSON.stringify(content.payload));

const EXPIRED = "Token has expired";
const BAD_TOKEN = "InvalidJWTToken: The access token was refused";
const BAD_BROADCAST = `A broadcast needs an event, a text of up to ${LONGEST_EVENT} bytes.`;
const NO_PRIVATE =
  "Unauthorized: This server serves no private channels until its operator writes supabase(channels, { mayRead }).";
const NO_REPLAY =
  "UnableToReplayMessages: This server keeps no messages until its operator writes supabase(channels, { replay }).";
const NO_DATABASE =
  "PostgresChangesNotServed: This server has no database to watch; broadcast from where the change is made.";
const TOO_LARGE = "PresencePayloadTooLarge: What is tracked is larger than this server takes.";
