// Phoenix clients of topics of the sync half: tests say what a bare client says, and read what came back, by name.
import type { AnyTopicSlice } from "@calla/shared";
import { createChannels } from "../src/channels/index.ts";
import type { ChannelsOptions, Json, JsonObject } from "../src/channels/index.ts";
import type { AnyUser } from "../src/app/handlers.ts";
import type { ServerOptions } from "../src/server-api.ts";
import { syncChannel } from "../src/bridge/index.ts";
import { talk } from "./phoenix-talk.ts";
import type { Talker, TalkOptions } from "./phoenix-talk.ts";
import { cursors, handClock, list, other, wire } from "./wired.ts";
import type { TestWiring } from "./wired.ts";

/** A frame of the server's, in short: its event and payload; of a reply its ref and status. */
export type Told = readonly [event: string, payload: JsonObject];

type Frame = readonly [joinRef: Json, ref: Json, topic: string, event: string, payload: JsonObject];

/** One Phoenix connection; topics are joined with their own name as join_ref. */
export class BareClient {
  readonly talker: Talker;
  readonly #settle: () => Promise<void>;
  #refs = 0;
  /** What came and was not asked for yet. */
  #came: Frame[] = [];

  constructor(talker: Talker, settle: () => Promise<void>) {
    this.talker = talker;
    this.#settle = settle;
  }

  /** What has come, when all that follows from what was said has happened, of one topic. */
  async heard(topic = "list:1"): Promise<readonly Told[]> {
    await this.#settle();
    this.#came.push(...(this.talker.take() as unknown as Frame[]));
    const all = this.#came.filter(([, , on]) => on === topic);
    this.#came = this.#came.filter(([, , on]) => on !== topic);
    return all.flatMap(([, ref, , event, payload]): Told[] => {
      if (event !== "phx_reply") return [[event, payload]];
      return [[`${String(payload["status"])} ${String(ref)}`, payload["response"] as JsonObject]];
    });
  }

  say(event: string, payload: unknown = {}, topic = "list:1"): string {
    const ref = `r${++this.#refs}`;
    this.talker.heard.push(...this.talker.say([topic, ref, topic, event, payload]));
    return ref;
  }

  /** Joins, and gives the answer and what came behind it. */
  async join(payload: unknown = {}, topic = "list:1"): Promise<readonly Told[]> {
    this.talker.heard.push(...this.talker.say([topic, topic, topic, "phx_join", payload]));
    return this.heard(topic);
  }

  dispatch(mid: number, messages: unknown, more: object = {}, topic = "list:1"): string {
    return this.say(
      "dispatch",
      { mid, id: `p-${mid}`, settled: 0, messages: [messages].flat(), ...more },
      topic,
    );
  }
}

/** A server with channels beside it, by which its topics are joined. */
export function bridged(
  options: Partial<ServerOptions<TestWiring, AnyUser>> = {},
  channelsOptions: ChannelsOptions<object> = {},
  hand = handClock(),
  slices: readonly AnyTopicSlice[] = [list, other, cursors],
) {
  const world = wire(options, hand);
  const { server } = world;
  const refusals: { readonly code: string }[] = [];
  const channels = createChannels({
    beside: server,
    ...channelsOptions,
    onRefused: (refusal) => void refusals.push(refusal),
  });
  for (const slice of slices) channels.register(syncChannel(server, slice));
  const phoenix = (talkOptions?: TalkOptions): BareClient =>
    new BareClient(talk(channels, talkOptions), hand.settle);
  return { ...world, channels, refusals, phoenix };
}
