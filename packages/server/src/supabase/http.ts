// Broadcasts over HTTP: several by one POST, or one whose topic and event stand in the path. Each request is asked about as
// a connection is, by its key, and as a channel is, by its token. All of its messages go out, or none.
import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { SteadyClock } from "@calla/shared";
import type { Admission, ChannelsHost, PhoenixRequest } from "../channels/engine/host.ts";
import type { RequestRefusal } from "../channels/engine/words.ts";
import { NodeExchange, WebExchange } from "../channels/transports/longpoll/exchange.ts";
import type { Exchange } from "../channels/transports/longpoll/exchange.ts";
import type { Mount } from "../channels/transports/mount.ts";
import { placeAt } from "../channels/transports/place.ts";
import { parseJson } from "../channels/wire/json.ts";
import { paramsOf } from "../channels/wire/params.ts";
import type { Json, JsonObject } from "../channels/wire/message.ts";
import { MalformedFrame } from "../channels/wire/serialiser.ts";
import { targetOf } from "../transports/node-request.ts";
import { Receiving } from "../transports/http/receiving.ts";
import { isForged, one } from "../transports/http/request.ts";
import type { HttpAnswer } from "../transports/http/request.ts";
import type { Broadcasts } from "./broadcasts.ts";
import { contentOf } from "./broadcasts.ts";
import { bearerOf, messagesOf, namedMessage, payloadBytes } from "./http-requests.ts";
import type { Message } from "./http-requests.ts";
import { inTime, LateHook } from "./in-time.ts";
import type { SupabaseLimits } from "./limits.ts";
import { RequestQuota } from "./request-quota.ts";
import { isOver, REFUSED, unauthorized } from "./rights.ts";
import type { Rights } from "./rights.ts";
import type { RightAsked } from "./supabase-api.ts";
import { apikeyOf, tokenOf, withKey } from "./visitor.ts";

const STALL = 30_000;
const READING = 10_000;

/** What a request is refused with. */
class Refusal extends Error {
  readonly status: number;
  readonly reason: RequestRefusal;
  readonly why: string | undefined;

  constructor(status: number, text: string, reason: RequestRefusal = "malformed", why?: string) {
    super(text);
    this.status = status;
    this.reason = reason;
    this.why = why;
  }
}

/** One message's topic and event, from the path; undefined: they stand in the body. */
type Named = { readonly topic: string; readonly event: string } | undefined;

export class HttpBroadcasts {
  readonly #host: ChannelsHost;
  readonly #mount: Mount;
  readonly #rights: Rights;
  readonly #broadcasts: Broadcasts;
  readonly #limits: SupabaseLimits;
  readonly #clock: SteadyClock;
  readonly #places: {
    readonly batch: ReturnType<typeof placeAt>;
    readonly single: ReturnType<typeof placeAt>;
  };
  readonly #quota: RequestQuota;
  #closed = false;

  constructor(parts: {
    readonly host: ChannelsHost;
    readonly mount: Mount;
    readonly path: string;
    readonly rights: Rights;
    readonly broadcasts: Broadcasts;
    readonly limits: SupabaseLimits;
    readonly clock: SteadyClock;
  }) {
    this.#host = parts.host;
    this.#mount = parts.mount;
    this.#rights = parts.rights;
    this.#broadcasts = parts.broadcasts;
    this.#limits = parts.limits;
    this.#clock = parts.clock;
    this.#quota = new RequestQuota(parts.limits, parts.clock);
    // As realtime-js makes it of the WebSocket's url.
    const above = parts.path.replace(/\/+$/, "").replace(/\/socket$/i, "");
    const batch = `${above}/api/broadcast`;
    this.#places = { batch: placeAt(batch, "/"), single: placeAt(batch, "/:topic/events/:event") };
  }

  handle(request: IncomingMessage & { readonly originalUrl?: string }, response: ServerResponse): boolean {
    const named = this.#namedBy(targetOf(request.originalUrl ?? request.url));
    if (named === "elsewhere") return false;
    this.#serve(new NodeExchange(request, response, { clock: this.#clock, timeout: STALL }), named);
    return true;
  }

  async fetch(request: Request, remoteAddress?: string): Promise<Response | undefined> {
    const named = this.#namedBy(new URL(request.url).pathname);
    if (named === "elsewhere") return undefined;
    const exchange = new WebExchange(request, remoteAddress);
    this.#serve(exchange, named);
    return exchange.response;
  }

  close(): void {
    this.#closed = true;
  }

  #namedBy(url: string): Named | "elsewhere" {
    const path = url.split("?", 1)[0] ?? "";
    if (this.#places.batch.variablesOf(path) !== undefined) return undefined;
    const found = this.#places.single.variablesOf(path);
    return found === undefined ? "elsewhere" : { topic: found["topic"] ?? "", event: found["event"] ?? "" };
  }

  #serve(exchange: Exchange, named: Named): void {
    this.#answer(exchange, named).catch(this.#host.report);
  }

  async #answer(exchange: Exchange, named: Named): Promise<void> {
    const { asked } = exchange;
    const cors = { ...CORS };
    try {
      const forged = isForged(asked) ? FORGED : this.#mount.refusalOf(asked);
      if (forged?.error !== undefined) this.#host.report(forged.error);
      if (forged !== undefined)
        throw new Refusal(forged.status, "This page may not send here", forged.reason, forged.why);
      cors["access-control-allow-origin"] = one(asked.headers["origin"]) ?? "*";
      if (asked.method === "OPTIONS") return exchange.answer(preflight(cors, asked.headers));
      if (asked.method !== "POST") throw new Refusal(405, "Only POST is served here", "method");
      await this.#counted(exchange, named);
      exchange.answer({ status: 202, headers: cors, text: "" });
    } catch (thrown) {
      const known = thrown instanceof Refusal || thrown instanceof MalformedFrame;
      if (!known) this.#host.report(thrown);
      const refusal = known ? refusalOf(thrown) : new Refusal(500, "The server failed", "failed");
      const { status, reason, why } = refusal;
      this.#host.refused({ status, reason, request: asked, why });
      exchange.answer(inJson(status, cors, { error: refusal.message, message: refusal.message }));
    }
  }

  async #counted(exchange: Exchange, named: Named): Promise<void> {
    if (this.#closed || this.#host.stopping) throw new Refusal(503, "This server is stopping", "stopping");
    const address = this.#host.addressOf(exchange.asked) ?? "";
    const limit = this.#quota.enter(address);
    if (limit !== undefined) throw tooMany(limit);
    const gone = new AbortController();
    exchange.holder = { left: () => gone.abort(), overdue: () => undefined };
    try {
      this.#pay(address, 1);
      await this.#broadcast(exchange, named, address, gone);
    } finally {
      exchange.holder = undefined;
      this.#quota.leave(address);
    }
  }

  async #broadcast(exchange: Exchange, named: Named, address: string, gone: AbortController): Promise<void> {
    const { headers } = exchange.asked;
    const { signal } = gone;
    const type = one(headers["content-type"])?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
    const bytes = named !== undefined && type === "application/octet-stream";
    if (!bytes && type !== "application/json")
      throw new Refusal(415, "The content type must be application/json");
    const { apikey, params, assigns } = await this.#admit(exchange, signal);
    const token = tokenOf(bearerOf(one(headers["authorization"])), apikey);
    const user =
      token === undefined
        ? undefined
        : await this.#inTime(gone, this.#rights.user({ token, apikey, assigns, signal }));
    if (user === REFUSED || isOver(user, this.#clock.now())) throw badToken();
    const body = await this.#bodyOf(exchange);
    const messages = this.#messages(body, bytes, named, params["private"]);
    this.#pay(address, messages.length - 1);
    const topics = new Set(messages.flatMap(({ topic, isPrivate }) => (isPrivate ? [topic] : [])));
    const right = { user, assigns, signal };
    const forbidden = await this.#inTime(gone, this.#forbidden([...topics], right));
    if (forbidden !== undefined)
      throw new Refusal(403, unauthorized("write to", forbidden), "token", "mayWrite said no.");
    // Reading the body, and asking, take their time.
    if (isOver(user, this.#clock.now())) throw badToken();
    for (const message of messages) this.#broadcasts.say(message, contentOf(message.event, message.payload));
  }

  /** The first topic that may not be written to. */
  async #forbidden(topics: readonly string[], right: Omit<RightAsked, "topic">): Promise<string | undefined> {
    for (const topic of topics) if (!(await this.#rights.mayWrite({ ...right, topic }))) return topic;
    return undefined;
  }

  /** What the app's hooks say, if they say it in time. */
  async #inTime<T>(gone: AbortController, work: Promise<T>): Promise<T> {
    try {
      return await inTime(this.#clock, this.#limits.hookTimeout, work);
    } catch (thrown) {
      if (!(thrown instanceof LateHook)) throw thrown;
      gone.abort();
      throw new Refusal(503, "The server took too long", "late", thrown.message);
    }
  }

  /** By the key, as of a connection: `connect` is asked. */
  async #admit(exchange: Exchange, signal: AbortSignal) {
    const { asked } = exchange;
    const params = paramsOf(asked.url, {});
    if (params === undefined) throw new Refusal(422, "The query has too much in it", "params");
    const apikey = apikeyOf({ params, headers: asked.headers });
    if (apikey === undefined)
      throw new Refusal(401, "No API key found in request", "connect", "The client gave no apikey.");
    const request: PhoenixRequest = {
      ...asked,
      params: withKey(params, apikey),
      transport: "longpoll",
      vsn: "2.0.0",
      authToken: undefined,
    };
    const admission: Admission = await this.#host.admit(request, { signal });
    if (admission.accepted) return { apikey, params, assigns: admission.assigns };
    const { status, body, why } = admission;
    throw new Refusal(status, body || "This key may not send here", "connect", why);
  }

  async #bodyOf(exchange: Exchange): Promise<Uint8Array> {
    const { maxRequestBytes } = this.#limits;
    if (Number(one(exchange.asked.headers["content-length"]) ?? 0) > maxRequestBytes) throw tooLarge();
    const receiving = new Receiving(undefined, exchange.asked, exchange.line);
    const body = await exchange.body({
      clock: this.#clock,
      maxBytes: maxRequestBytes,
      within: READING,
      receiving,
    });
    receiving.over();
    if (body.ok) return body.bytes;
    switch (body.reason) {
      case "too-large":
        throw tooLarge();
      case "too-slow":
      case "aborted":
        throw new Refusal(408, "The body did not come in time", body.reason === "aborted" ? "gone" : "late");
      default:
        throw new Error(
          "A broadcast's body was read before it came to supabase(channels), and is no object any more: mount it before parsers of bodies.",
        );
    }
  }

  #messages(body: Uint8Array, bytes: boolean, named: Named, isPrivate: Json | undefined): readonly Message[] {
    const payload: Json | Uint8Array = bytes ? body : parseJson(textIn(body), this.#host.jsonLimits);
    const messages =
      named === undefined
        ? messagesOf(payload as Json, this.#limits.maxRequestMessages)
        : namedMessage(named, payload, isPrivate);
    if (typeof messages === "string") throw new Refusal(422, messages);
    const { maxBroadcastBytes } = this.#limits;
    if (messages.some((one) => payloadBytes(one.payload) > maxBroadcastBytes))
      throw new Refusal(422, `A payload has more than ${maxBroadcastBytes} bytes`, "too-large");
    return messages;
  }

  #pay(address: string, count: number): void {
    if (!this.#quota.pays(address, count)) throw tooMany("requestRate");
  }
}

const tooMany = (limit: keyof SupabaseLimits): Refusal =>
  new Refusal(
    429,
    "Too many requests",
    "busy",
    `More than limits.${limit} of supabase(channels) lets through. Behind a proxy, name it in trustedProxies.`,
  );
const FORGED = { status: 403, reason: "cross-site", why: undefined, error: undefined } as const;
const CORS: Record<string, string> = { vary: "Origin", "cache-control": "no-store" };
function textIn(body: Uint8Array): string {
  if (!isUtf8(body)) throw new Refusal(422, "The body is not UTF-8");
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
}
const badToken = (): Refusal => new Refusal(401, "The access token was refused", "token");
const tooLarge = (): Refusal => new Refusal(413, "The body is too large", "too-large");
const refusalOf = (thrown: Refusal | MalformedFrame): Refusal =>
  thrown instanceof Refusal ? thrown : new Refusal(422, `The body is none: ${thrown.what}`, "malformed");

const inJson = (status: number, headers: Record<string, string>, said: JsonObject): HttpAnswer => ({
  status,
  headers: { ...headers, "content-type": "application/json; charset=utf-8" },
  text: JSON.stringify(said),
});

/** A page of another origin may, if its origin may connect. */
const preflight = (
  cors: Record<string, string>,
  headers: IncomingMessage["headers"] | object,
): HttpAnswer => ({
  status: 200,
  headers: {
    ...cors,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers":
      one((headers as Record<string, string | undefined>)["access-control-request-headers"]) ??
      "authorization, apikey, content-type, x-client-info",
    "access-control-max-age": "3600",
  },
  text: "",
});
