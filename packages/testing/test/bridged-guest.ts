// Guests of the campaign: the reference client of examples/phoenix-board on phoenix.js, over the bridge, in the run's time.
import { createChannels } from "@calla/server/channels";
import { syncChannel } from "@calla/server/bridge";
import type { AnyUser, Server } from "@calla/server";
import type { Message, Wiring } from "@calla/shared";
import { Socket } from "phoenix";
import type { Patch } from "../../../examples/phoenix-board/client/json-patch.ts";
import { SyncedTopic } from "../../../examples/phoenix-board/client/synced-topic.ts";
import type { Identity, Outcome } from "../../../examples/phoenix-board/client/synced-types.ts";
import type { Guest, GuestOptions, Told } from "../src/index.ts";
import { GuestLine } from "./guest-line.ts";
import { borrowed } from "./borrowed-time.ts";

interface Pad {
  readonly items: readonly string[];
  readonly count: number;
}

/** A server's channels, by which the slices of its guests can be joined. */
const channelsOf = new WeakMap<object, ReturnType<typeof createChannels>>();
function channelsAt(server: Server<Wiring, AnyUser>, { slice }: GuestOptions) {
  let channels = channelsOf.get(server);
  if (channels === undefined) {
    channels = createChannels({ beside: server }).register(syncChannel(server, slice));
    channelsOf.set(server, channels);
  }
  return channels;
}

/** What is shown of a message until it is decided: of some nothing, and never what it could be refused for. */
function changeOf(message: Message): (pad: Pad) => Patch {
  const { type, item, at, by } = message as { type: string; item?: string; at?: number; by?: unknown };
  switch (type) {
    case "claimed":
      return () => [{ op: "replace", path: "/owner", value: by }];
    case "counted":
      return ({ count }) => [{ op: "replace", path: "/count", value: count + Number(by) }];
    case "added":
      return ({ items }) => [{ op: "add", path: `/items/${Math.min(at!, items.length)}`, value: item }];
    case "erased":
      return () => [{ op: "replace", path: "/text", value: "" }];
    default:
      return () => [];
  }
}

/** Its timers and its patience are shorter than in production, as those of Calla's clients. */
const PATIENCE = {
  timeout: 1_500,
  heartbeatIntervalMs: 2_000,
  reconnectAfterMs: (tries: number) => [10, 100, 500][tries - 1] ?? 1_000,
  rejoinAfterMs: (tries: number) => [50, 200, 500][tries - 1] ?? 1_000,
};

export function bridgedGuest(options: GuestOptions): Guest {
  const { clock, random, user, target, named, seen } = options;
  const inTime = borrowed({ clock, random: random.fork("chance") });
  const identity: Identity = {};
  let over = false;
  let place = { sequence: 0, mark: 0 };
  let last: unknown;
  let topic: SyncedTopic<Pad> | undefined;

  const line = new GuestLine({
    ...options,
    inTime,
    channels: () => {
      const server = over ? undefined : options.server();
      return server && channelsAt(server, options);
    },
    heard(event, payload) {
      const said = payload as { response?: { client_id?: string }; sequence?: number; mark?: number };
      const joined = event === "phx_reply" && said.response?.client_id !== undefined;
      if (joined) named(said.response!.client_id!);
      const at = (joined ? said.response : said) as { sequence?: number; mark?: number };
      if (at.sequence !== undefined && at.mark !== undefined)
        place = { sequence: at.sequence, mark: at.mark };
    },
  });

  const changed = (): void => {
    if (over || topic === undefined || topic.confirmed === undefined) return;
    // Whoever is told a new model is told where it is; until then the last one stands.
    const { confirmed, pending } = topic;
    if (confirmed === last) return;
    last = confirmed;
    seen({ ...place, model: confirmed, pending: pending.map(({ id }) => id) });
  };

  const socket = inTime(
    () =>
      new Socket("ws://run/socket", {
        transport: line.transport,
        params: () => ({ ...identity, ...(user === null ? {} : { token: user }) }),
        ...PATIENCE,
      }),
  );
  topic = inTime(() => {
    const made = new SyncedTopic<Pad>(socket, identity, target, changed);
    socket.connect();
    return made;
  });

  /** A closed topic can tell no more of what was sent. */
  const toldOf = (outcome: Outcome, messages: readonly Message[], isClosed: boolean): Told => {
    if (outcome.status === "ok")
      return { is: "applied", sequence: outcome.sequence, messages: outcome.messages ?? messages };
    if (outcome.status === "unknown") return { is: "ended", code: isClosed ? "closed" : "client-expired" };
    return isClosed ? { is: "ended", code: "unsent" } : { is: "rejected", code: outcome.code };
  };

  return {
    get status() {
      const { status } = topic;
      return status === "joined" ? "live" : status === "closed" ? "closed" : "away";
    },
    get model() {
      return topic.visible;
    },
    get pending() {
      return topic.pending.length;
    },
    dispatch(messages) {
      const changes = messages.map(changeOf);
      const told = inTime(() =>
        topic.dispatch(messages as never, (pad) => changes.flatMap((change) => change(pad))),
      );
      const { id } = topic.pending.at(-1)!;
      void told.then((outcome) => {
        if (!over) options.told(id, toldOf(outcome, messages, topic.status === "closed"));
      });
      return id;
    },
    cut: (loses) => line.cut(loses),
    end() {
      over = true;
      inTime(() => socket.disconnect());
      line.cut("both");
    },
  };
}
