// A broadcast on its way out: to its audience on every node, and into the store where one is kept.
import { isBytes } from "@calla/shared";
import type { Channels } from "../channels/channels-api.ts";
import { contain } from "../base/contain.ts";
import type { ChannelsHost } from "../channels/engine/host.ts";
import type { Json, JsonObject, Payload } from "../channels/wire/message.ts";
import { jsonText } from "../channels/wire/json.ts";
import type { ReplayMessage, ReplayStore } from "./replay.ts";
import { audienceOf } from "./topics.ts";
import { BROADCAST, bodyOf, heardObject, jsonOf, readBody } from "./user-broadcast.ts";

/** What is said: JSON, or a body as clients of version 2 write it. */
export type Content = { readonly event: string; readonly payload: Json } | { readonly body: Uint8Array };

export interface Place {
  /** As the app names it. */
  readonly topic: string;
  readonly isPrivate: boolean;
}

export class Broadcasts {
  readonly #channels: Pick<Channels, "broadcast" | "broadcastFrom">;
  readonly #host: Pick<ChannelsHost, "clock" | "node" | "report">;
  readonly #store: ReplayStore | undefined;
  /** Of what this node has kept, in order. */
  #count = 0;

  constructor(
    channels: Pick<Channels, "broadcast" | "broadcastFrom">,
    host: Pick<ChannelsHost, "clock" | "node" | "report">,
    store: ReplayStore | undefined,
  ) {
    this.#channels = channels;
    this.#host = host;
    this.#store = store;
  }

  get keeps(): boolean {
    return this.#store !== undefined;
  }

  /** To all on a topic but one connection. Throws for what cannot be said. */
  say(place: Place, content: Content, from?: string): void {
    const id = place.isPrivate && this.keeps ? `${this.#host.node}-${++this.#count}` : undefined;
    const payload = payloadOf(content, id === undefined ? undefined : { id });
    const audience = audienceOf(place.topic, place.isPrivate);
    if (from === undefined) this.#channels.broadcast(audience, BROADCAST, payload);
    else this.#channels.broadcastFrom(from, audience, BROADCAST, payload);
    if (id !== undefined) this.#keep(place.topic, id, content);
  }

  /** How much this node has kept: what comes behind it is no replay for who is here now. */
  get mark(): number {
    return this.#count;
  }

  /** What a store has of a topic, without what this node has said behind a mark: that was heard. */
  async kept(topic: string, since: number, limit: number, mark: number): Promise<readonly ReplayMessage[]> {
    const own = `${this.#host.node}-`;
    const all = (await this.#store?.read(topic, since, limit)) ?? [];
    return all.filter(({ id }) => !id.startsWith(own) || Number(id.slice(own.length)) <= mark).slice(-limit);
  }

  #keep(topic: string, id: string, content: Content): void {
    const { report, clock } = this.#host;
    contain(report, () =>
      this.#store?.keep({ id, topic, at: clock.now(), ...keepable(content) } satisfies ReplayMessage),
    );
  }
}

/** What clients hear. */
export function payloadOf(content: Content, meta: JsonObject | undefined): Payload {
  if ("event" in content) return heardObject(content.event, content.payload, meta);
  if (meta === undefined) return content.body;
  return bodyOf({ ...readBody(content.body), meta: jsonText(meta) });
}

/** What is said, as a body where it is bytes. */
export const contentOf = (event: string, payload: Json | Uint8Array): Content =>
  isBytes(payload) ? { body: bodyOf({ event, meta: "", json: false, data: payload }) } : { event, payload };

function keepable(content: Content): Pick<ReplayMessage, "event" | "payload"> {
  if ("event" in content) return content;
  const read = readBody(content.body);
  // Its own: a window would keep the whole frame.
  return { event: read.event, payload: read.json ? jsonOf(read) : new Uint8Array(read.data) };
}
