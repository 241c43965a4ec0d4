// The Room of the app that was recorded (packages/conformance/recordings): what each mode of a join and each event provokes. Where
// the recorded app raised, exited or was killed, this one throws, rejects or is stopped from outside: the wire is the same.
import type { Clock } from "@calla/shared";
import {
  defineChannel,
  joined,
  push,
  refused,
  reply,
  stop,
  type Channel,
  type ChannelSocket,
  type Channels,
  type HandleResult,
  type Joined,
  type Refused,
  type Json,
  type JsonObject,
  type Payload,
  type StopReason,
} from "../../src/channels/index.ts";

/** What `connect` gives every socket of the app. */
export interface Visitor {
  readonly id: string | null;
  readonly vsn: string;
  /** What a join of `info:*` answers. */
  readonly info: JsonObject;
}

/** What the room tells itself. */
type Told = { readonly tells: "stop" | "reply" } | { readonly tells: "push"; readonly payload: JsonObject };

interface Mode {
  readonly mode?: string;
  readonly ms?: number;
  readonly pushes?: boolean;
  readonly stopped?: boolean;
  readonly count?: number;
}
type Room = ChannelSocket<Visitor & Mode>;

/** The room's part in the whole: what it says beyond its own topic. */
export interface RoomOf {
  readonly channels: () => Channels<Visitor>;
  /** Sends everybody away. */
  readonly drain: () => void;
  readonly clock: Clock;
}
type Sleep = (ms?: number) => Promise<void>;

const fieldsOf = (payload: unknown): JsonObject =>
  typeof payload === "object" &&
  payload !== null &&
  !Array.isArray(payload) &&
  !(payload instanceof Uint8Array)
    ? (payload as JsonObject)
    : {};
const msOf = (payload: unknown): number => Number(fieldsOf(payload)["ms"] ?? 0);
const boom = (): never => {
  throw new Error("boom");
};
const keyed = (payload: unknown): readonly [key: string, meta: JsonObject] => [
  String(fieldsOf(payload)["key"]),
  fieldsOf(fieldsOf(payload)["meta"]),
];
/** As the recorded app says what its tracker has answered. */
function tracked(track: () => string): HandleResult {
  try {
    return reply({ ref: track() });
  } catch (error) {
    const reasons: { readonly [code: string]: string } = {
      exists: "already_tracked",
      unknown: ":nopresence",
    };
    return reply("error", { reason: reasons[(error as { code: string }).code] ?? String(error) });
  }
}

/** What no compiler lets pass, and a channel without one does. */
const wrong = <T>(value: unknown): T => value as T;

export function roomChannel({ channels, drain, clock }: RoomOf): Channel<"room:*", Visitor> {
  const sleep: Sleep = async (ms = 0) => {
    await new Promise<void>((resolve) => {
      clock.setTimeout(resolve, ms);
    });
  };
  let room = defineChannel("room:*")
    .socket<Visitor>()
    .join(({ topic, payload }): Joined<Mode> | Refused | Promise<Joined<Mode>> => {
      const { mode } = fieldsOf(payload);
      const ms = msOf(payload);
      switch (mode) {
        case "reply":
          return joined<Mode>({}, { hello: "world", topic, params: payload as Json });
        case "reply_list":
          return joined<Mode>({}, [1, 2]);
        case "error":
          return refused("unauthorized");
        case "error_string":
          return { ...refused(""), response: "nope" };
        case "raise":
        case "exit":
        case "throw":
          return boom();
        case "bad":
          return wrong<Joined<Mode>>("bad");
        case "slow":
          return sleep(ms).then(() => joined<Mode>({}, { slow: true }));
        case "push":
          return joined<Mode>({ pushes: true });
        case "broadcast":
          channels().broadcast(topic, "from_join", {});
          return joined<Mode>({ pushes: true });
        case "trap_slow":
        case "end_raises":
          return joined<Mode>({ mode, ms });
        case "binary":
          return joined<Mode>({}, Uint8Array.of(9, 8));
        default:
          return joined<Mode>({});
      }
    })
    .presence({ state: false, fetch: (topic, presences) => fieldsOn(topic, [...presences.keys()]) })
    .joined((socket) => {
      if (socket.assigns.pushes === true) socket.push("after_join", { a: 1 });
    })
    .handleOut("intercepted", (payload, socket) => ({ ...fieldsOf(payload), me: socket.assigns.id }))
    .handleOut("dropped", () => undefined)
    .handleInfo<Told>((told) => {
      if (told.tells === "stop") return stop("normal");
      if (told.tells === "push") return push("informed", told.payload);
      return wrong(reply());
    })
    .terminate(async (reason, socket) => {
      if (socket.assigns.mode === "end_raises") boom();
      if (socket.assigns.mode === "trap_slow") await sleep(socket.assigns.ms);
      channels().broadcast("watch:term", "terminated", {
        topic: socket.topic,
        reason: reasonOf(reason, socket),
      });
    });
  for (const [event, handle] of Object.entries(events({ channels, drain, sleep }))) {
    // The table says all events, so the compiler need not gather them.
    room = wrong(room.handleIn(event, (payload, socket) => handle(payload, wrong(socket))));
  }
  for (const [event, handle] of Object.entries(binaries)) {
    room = room.handleBinary(event, (bytes, socket) => handle(bytes, wrong(socket)));
  }
  return room;
}

const binaries: Readonly<Record<string, (bytes: Uint8Array, socket: Room) => HandleResult>> = {
  echo: (bytes) => reply(bytes),
  bin_size: (bytes) => reply({ size: bytes.length }),
  bin_custom: (bytes) => reply("teapot", bytes),
  bin_broadcast: (bytes, socket) => socket.broadcast("bin_bcast", bytes),
};

type Handle = (payload: Json, socket: Room) => HandleResult | Promise<HandleResult>;

const events = ({
  channels,
  drain,
  sleep,
}: Pick<RoomOf, "channels" | "drain"> & { readonly sleep: Sleep }): Readonly<Record<string, Handle>> => ({
  // Answers.
  echo: (payload) => reply(payload),
  ok: () => reply(),
  error: () => reply("error", {}),
  error_map: () => reply("error", { reason: "bad" }),
  custom: () => reply("teapot", { a: 1 }),
  reply_list: () => reply([1, 2]),
  reply_null: () => reply(null),
  reply_string: () => reply("str"),
  // There a status that is text is a mistake; here one that is none.
  reply_string_status: () => reply(wrong<string>(5), {}),
  bin_reply: () => reply(Uint8Array.of(1, 2, 255)),
  noreply: () => undefined,
  who: (_, socket) =>
    reply({
      topic: socket.topic,
      id: socket.assigns.id,
      join_ref: socket.joinRef,
      ref: socket.ref.ref,
      transport: socket.transport,
      vsn: `Phoenix.Socket.V${socket.assigns.vsn.at(0)}.JSONSerializer`,
      // What the recorded app keeps.
      assigns: ["info", "p", "params"],
    }),
  slow: async (payload) => {
    await sleep(msOf(payload));
    return reply({ ms: msOf(payload) });
  },
  async: (payload, socket) => later(socket, sleep(msOf(payload)), { async: true }),
  async_after_leave: (_, socket) => later(socket, sleep(200), { late: true }),
  reply_twice: (_, socket) => {
    socket.reply(socket.ref, reply({ n: 1 }));
    socket.reply(socket.ref, reply({ n: 2 }));
  },
  // Pushes.
  push: (payload) => push("pushed", wrong<Payload>(payload)),
  push_reply: (payload, socket) => {
    socket.push("pushed", wrong<Payload>(payload));
    return reply();
  },
  reply_push: (payload, socket) => {
    socket.reply(socket.ref, reply());
    socket.push("pushed", wrong<Payload>(payload));
  },
  // From outside of the channel, as any code of the server may.
  push_outside: (payload, { socketId, topic }) =>
    reply({ there: channels().push(socketId, topic, "pushed", wrong<Payload>(payload)) }),
  fill: (payload) => push("filled", { y: "y".repeat(Number(fieldsOf(payload)["bytes"] ?? 0)) }),
  push_bad: () => push("pushed", wrong<Payload>([1])),
  push_bin: () => push("pushed", Uint8Array.of(1, 1)),
  push_struct: () =>
    push("pushed", {
      at: "atom",
      b: true,
      // oxlint-disable-next-line no-loss-of-precision -- reason: what was recorded is more than a double holds
      big: 12345678901234567890,
      e: 1e21,
      f: 1,
      i: 1,
      nul: null,
      u: "räume ✓ </script> \u2028",
    }),
  // What a channel keeps.
  count: (_, socket) => {
    const count = (socket.assigns.count ?? 0) + 1;
    socket.assign({ count });
    return reply({ count });
  },
  // Broadcasts.
  broadcast: (payload, socket) => socket.broadcast("bcast", wrong<Payload>(payload)),
  broadcast_reply: (payload, socket) => {
    socket.broadcast("bcast", wrong<Payload>(payload));
    return reply();
  },
  broadcast_from: (payload, socket) => {
    socket.broadcastFrom("bcast", wrong<Payload>(payload));
    return reply();
  },
  broadcast_bad: (_, socket) => {
    socket.broadcast("bcast", wrong<Payload>([1]));
    return reply();
  },
  bcast_bin: (_, socket) => {
    socket.broadcast("bcast", Uint8Array.of(1, 1));
    return reply();
  },
  intercepted: (payload, socket) => {
    socket.broadcast("intercepted", wrong<Payload>(payload));
    return reply();
  },
  dropped: (payload, socket) => {
    socket.broadcast("dropped", wrong<Payload>(payload));
    return reply();
  },
  // Ends.
  stop_normal: (_, socket) => stopped(socket, stop("normal")),
  stop_shutdown: () => stop("shutdown"),
  stop_tuple: () => stop("shutdown"),
  stop_error: () => stop(new Error("boom")),
  stop_reply: (payload) => stop("normal", reply(payload)),
  stop_reply_status: () => stop("normal", reply()),
  stop_error_reply: (payload) => stop(new Error("boom"), reply("error", payload)),
  raise: boom,
  throw: () => {
    // An app may throw anything.
    throw "thrown";
  },
  exit_normal: async () => boom(),
  exit_shutdown: boom,
  kill: boom,
  bad: () => wrong("bad"),
  ext_kill: (_, socket) => {
    // From outside of a handler.
    setImmediate(() => socket.stop(new Error("shutdown")));
  },
  info_stop: (_, socket) => {
    channels().sendInfo(socket.socketId, socket.topic, { tells: "stop" });
    return reply();
  },
  info_push: (payload, socket) => {
    channels().sendInfo(socket.socketId, socket.topic, { tells: "push", payload });
    return reply();
  },
  info_reply: (_, socket) => {
    channels().sendInfo(socket.socketId, socket.topic, { tells: "reply" });
    return reply();
  },
  // Presence.
  track: (payload, { presence }) => tracked(() => presence.track(...keyed(payload))),
  track_again: (payload, { presence }) => tracked(() => presence.track(...keyed(payload))),
  update: (payload, { presence }) => tracked(() => presence.update(...keyed(payload))),
  untrack: (payload, { presence }) => {
    presence.untrack(keyed(payload)[0]);
    return reply();
  },
  list: (_, { presence }) => {
    presence.pushState();
    return reply();
  },
  ftrack: (payload, { presence, topic }) => {
    const [key, meta] = keyed(payload);
    fetched.add(nameOn(topic, key));
    return tracked(() => presence.track(key, meta));
  },
  flist: (_, { presence }) => {
    presence.pushState();
    return reply();
  },
  // The socket.
  disconnect_me: (_, socket) => channels().disconnect(String(socket.assigns.id)),
  socket_broadcast: (_, socket) => {
    channels().broadcast(String(socket.assigns.id), "other", {});
    return reply();
  },
  drain_me: () => drain(),
});

/** The recorded app has a second presence, with a fetch: here those keys have fields that it tracks. */
const fetched = new Set<string>();
const nameOn = (topic: string, key: string): string => `${topic} ${key}`;
const fieldsOn = (topic: string, keys: readonly string[]): ReadonlyMap<string, JsonObject> =>
  new Map(
    keys
      .filter((key) => fetched.has(nameOn(topic, key)))
      .map((key) => [key, { user: { name: `name-${key}` } }]),
  );

function later(socket: Room, time: Promise<void>, response: JsonObject): void {
  const { ref } = socket;
  void time.then(() => socket.reply(ref, reply(response)));
}

/** Calla's `normal` is both a leave and a stop; the recorded app tells them apart. */
function stopped(socket: Room, result: HandleResult): HandleResult {
  socket.assign({ stopped: true });
  return result;
}

/** As Elixir shows the reason, where Calla has that reason. */
function reasonOf(reason: StopReason, socket: ChannelSocket<Visitor & Mode>): string {
  switch (reason.type) {
    case "normal":
      return socket.assigns.stopped === true ? ":normal" : "{:shutdown, :left}";
    case "shutdown":
      return `{:shutdown, :${reason.why === "closed" ? "local_closed" : reason.why.replaceAll("-", "_")}}`;
    case "heartbeatTimeout":
      return "{:shutdown, :heartbeat_timeout}";
    case "error":
      return String(reason.error);
  }
}
