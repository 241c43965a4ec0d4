// A channel with one client inside, for pages whose claims are run frame by frame.
import { createChannels, defineChannel } from "../../src/channels/index.ts";
import type {
  Channel,
  ChannelRefusal,
  Channels,
  ChannelsOptions,
  StopReason,
} from "../../src/channels/index.ts";
import { reply as replied, talk } from "../phoenix-talk.ts";
import type { Heard, Talker } from "../phoenix-talk.ts";

export const room = defineChannel("room:*");

export interface Inside {
  readonly channels: Channels;
  readonly client: Talker;
  readonly errors: unknown[];
  readonly refusals: ChannelRefusal[];
  /** What its join was answered. */
  readonly answer: readonly Heard[];
  /** Says an event on its topic, and gives what came. */
  readonly say: (event: string, payload?: unknown) => readonly Heard[];
}

/** A client that has joined a topic of the channel. */
export function inside(channel: Channel, options: ChannelsOptions<object> = {}, topic = "room:a"): Inside {
  const errors: unknown[] = [];
  const refusals: ChannelRefusal[] = [];
  const channels = createChannels({
    onError: (error) => void errors.push(error),
    onRefused: (refusal) => void refusals.push(refusal),
    ...options,
  }).register(channel);
  const client = talk(channels);
  const answer = client.join(topic);
  const say = (event: string, payload: unknown = {}) => client.say(["1", "2", topic, event, payload]);
  return { channels, client, errors, refusals, answer, say };
}

/** What an event is answered that `say` said. */
export const answered = (response: object = {}, status = "ok") =>
  replied("1", "2", "room:a", status, response as never);

/** A channel that tells its connection's id, and that id. */
export const named = room.joined((socket) => socket.push("id", { id: socket.socketId }));
export const idIn = (answer: readonly unknown[]): string => (answer[1] as { id: string }[])[4]!.id;

/** A channel that keeps why it ended. */
export const ends = (channel: Channel = room) => {
  const reasons: StopReason[] = [];
  return { reasons, channel: (channel as typeof room).terminate((reason) => void reasons.push(reason)) };
};
