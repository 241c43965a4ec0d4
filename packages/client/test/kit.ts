// What the client's tests hold in their hands: time, chance, and a server of which the test writes every frame.
import {
  asFrame,
  authorTag,
  restOfTag,
  automatic,
  clientFrames,
  defineEphemeral,
  defineLocal,
  defineSession,
  defineTopic,
  defineWiring,
  json,
  mapPayloads,
  payloadReader,
  payloadWriter,
  serverOnly,
} from "@calla/shared";
import type { ClientFrame, ClientFrames, Clock, Random, ServerFrame, ServerFrames } from "@calla/shared";
import * as z from "zod";
import { createClient } from "../src/client.ts";
import type { Client, ClientOptions } from "../src/client.ts";
import type { PageStorage, Storage } from "../src/storage/storage.ts";
import type { Transport, TransportHandlers } from "../src/transports/transport.ts";

/** Time stands still until the test moves it. Deferred work is a real microtask. */
export class VirtualClock implements Clock {
  /** Milliseconds that have passed, and what the wall clock is ahead of that. */
  #now = 0;
  #ahead = 1_000_000;
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  now(): number {
    return this.#now + this.#ahead;
  }
  monotonic(): number {
    return this.#now;
  }
  /** Sets the wall clock forward or back. No time passes. */
  step(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
  setTimeout(run: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + milliseconds, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  defer(run: () => void): void {
    queueMicrotask(run);
  }
  get waiting(): number {
    return this.#timers.length;
  }
  /** Runs what comes due, in order, letting promises settle in between. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await turn();
      const next = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
    await turn();
  }
}

/** Lets every promise that can settle do so. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The same chance in every run. */
export function seededRandom(seed = 1): Random {
  let state = seed;
  return {
    uint32() {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state;
    },
  };
}

// -------------------------------------------------------------------------------------------------------- the wiring

export const list = defineTopic("list:*", {
  model: z.object({ items: z.array(z.string()), stamp: z.number() }),
  initial: () => ({ items: [], stamp: 0 }),
  messages: {
    added: z.object({ text: z.string().max(20) }),
    removed: z.object({ text: z.string() }),
    stamped: z.object({}),
    named: z.object({}),
    exploded: z.object({ when: z.string() }),
    cleared: serverOnly(z.object({})),
  },
  rejections: { missing: z.object({ text: z.string() }) },
  update: {
    added: (model, { text }) => ({ ...model, items: [...model.items, text] }),
    removed: (model, { text }, context) =>
      model.items.includes(text)
        ? { ...model, items: model.items.filter((item) => item !== text) }
        : context.reject("missing", { text }),
    stamped: (model, _, context) => ({ ...model, stamp: context.at }),
    named: (model, _, context) => ({ ...model, items: [...model.items, context.id()] }),
    exploded: (model, { when }) => {
      if (model.items.includes(when)) throw new Error("boom");
      return { ...model, items: [...model.items, "survived"] };
    },
    cleared: (model) => ({ ...model, items: [] }),
  },
});
export const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ x: z.number() }) },
  keep: "latest",
});
export const shouts = defineEphemeral("shouts", { messages: { shouted: z.object({ text: z.string() }) } });
export const session = defineSession({
  model: z.object({ name: z.string() }),
  initial: () => ({ name: "" }),
  messages: { renamed: z.object({ name: z.string() }) },
  update: { renamed: (_, { name }) => ({ name }) },
});
const local = defineLocal({
  model: z.object({ open: z.boolean() }),
  initial: () => ({ open: false }),
  messages: { toggled: z.object({}), kept: z.object({}) },
  update: { toggled: ({ open }) => ({ open: !open }), kept: (model) => model },
});
export const wiring = defineWiring({ topics: [list, cursors, shouts] });
export const fullWiring = defineWiring({ session, topics: [list, cursors, shouts], local });
const serialiser = automatic(json());
const [format] = serialiser.formats;
const codec = serialiser.payload(format as (typeof serialiser.formats)[number]);

// -------------------------------------------------------------------------------------------------------- the server

/** One attempt, from the server's side. */
export class Connection {
  readonly sent: ClientFrame[] = [];
  readonly packets: string[] = [];
  closed = false;
  /** What its client said as it closed: that it does not come back by itself. */
  gone: boolean | undefined;
  readonly #handlers: TransportHandlers;
  constructor(handlers: TransportHandlers) {
    this.#handlers = handlers;
  }
  open(): void {
    this.#handlers.open();
  }
  receive(data: string): void {
    this.packets.push(data);
    const packet: unknown = JSON.parse(data);
    for (const value of Array.isArray(packet) ? packet : [packet]) {
      const frame = asFrame(clientFrames, value) as ClientFrame | undefined;
      if (frame === undefined) throw new Error(`no client frame: ${data}`);
      this.sent.push(mapPayloads(frame, payloadReader(codec)));
    }
  }
  /** Several frames make one packet. */
  say(...frames: ServerFrame[]): void {
    const plain = frames.map((frame) => mapPayloads(frame, payloadWriter(codec)));
    this.raw(JSON.stringify(plain.length === 1 ? plain[0] : plain));
  }
  raw(data: string): void {
    this.#handlers.receive(data);
  }
  drop(code = 1006, reason = ""): void {
    this.#handlers.close({ code, reason });
  }
  /** Takes what was sent since the last call. */
  take(): ClientFrame[] {
    return this.sent.splice(0);
  }
  last<T extends ClientFrame["type"]>(type: T): ClientFrames[T] {
    const found = this.sent.findLast((frame) => frame.type === type);
    if (found === undefined)
      throw new Error(`no ${type} among ${this.sent.map((frame) => frame.type).join(", ")}`);
    return found as ClientFrames[T];
  }
  /** The newest ref under which the target was asked for. */
  ref(target: string): number {
    for (const frame of this.sent.toReversed()) {
      if (frame.type === "Subscribe" && frame.target === target) return frame.ref;
      if (frame.type === "Hello") return frame.targets.find((asked) => asked.target === target)?.ref ?? -1;
    }
    return -1;
  }
}

export class FakeServer {
  readonly connections: Connection[] = [];
  readonly transport: Transport = {
    reconnect: { baseMilliseconds: 1_000, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0 },
    connect: (handlers) => {
      const connection = new Connection(handlers);
      this.connections.push(connection);
      return {
        send: (data) => {
          if (!connection.closed) connection.receive(data as string);
        },
        close: (gone) => {
          connection.closed = true;
          connection.gone = gone;
        },
      };
    },
  };
  get connection(): Connection {
    const found = this.connections.at(-1);
    if (found === undefined) throw new Error("no connection");
    return found;
  }
}

export const connectedAs = (
  clientId: string,
  more: Partial<ServerFrames["Connected"]> = {},
): ServerFrames["Connected"] => ({
  type: "Connected",
  clientId,
  secret: `secret of ${clientId}`,
  userId: null,
  now: 1_000_000,
  maxInFlight: 256,
  ...more,
});

export const settledFrame = (
  target: string,
  ref: number,
  more: Partial<ServerFrames["Settled"]> = {},
): ServerFrames["Settled"] => ({
  type: "Settled",
  target,
  ref,
  sequence: 0,
  next: 1,
  outcomes: [],
  resync: "snapshot",
  reason: "first",
  ...more,
});

export const snapshotFrame = (
  target: string,
  sequence: number,
  mark: number,
  model: unknown,
): ServerFrames["Snapshot"] => ({
  type: "Snapshot",
  target,
  sequence,
  mark,
  version: 1,
  model,
});

/** A record: by a client (mid, id) or by the server (null). */
export type Line = readonly [by: string | null, mid: number, id: string, ...messages: unknown[]];

/** Records after a cursor; marks are the sequence times ten unless given. */
export function updateFrame(
  target: string,
  after: number,
  lines: readonly Line[],
  more: Partial<ServerFrames["TopicUpdate"]> = {},
): ServerFrames["TopicUpdate"] {
  const names = [...new Set(lines.map(([by]) => by).filter((by) => by !== null))];
  return {
    type: "TopicUpdate",
    target,
    after,
    from: after * 10,
    at: 1_000_000,
    authors: names.map((name) => [authorTag(name, target), null, restOfTag(name, target)] as const),
    records: lines.map(
      ([by, mid, id, ...messages]) => [0, by === null ? -1 : names.indexOf(by), mid, id, messages] as const,
    ),
    mark: (after + lines.length) * 10,
    ...more,
  };
}

export interface Setup<W extends typeof wiring | typeof fullWiring = typeof wiring> {
  readonly server: FakeServer;
  readonly clock: VirtualClock;
  readonly client: Client<W>;
  readonly errors: unknown[];
}

/** A storage may be given with what is inside of it replaced. */
type SetupOptions<W extends typeof wiring | typeof fullWiring = typeof wiring> = Partial<
  Omit<ClientOptions<W>, "storage">
> & {
  readonly storage?: Storage | PageStorage;
};

/** A client before a fake server; not connected yet. */
export function setUp(options: SetupOptions = {}): Setup {
  return setUpWith(wiring, options);
}

export function setUpWith<W extends typeof wiring | typeof fullWiring>(
  table: W,
  options: SetupOptions<W> = {},
): Setup<W> {
  const server = new FakeServer();
  const clock = (options.clock as VirtualClock | undefined) ?? new VirtualClock();
  const errors: unknown[] = [];
  const client = createClient<W>({
    wiring: table,
    serialiser,
    transport: server.transport,
    clock,
    random: seededRandom(),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { server, clock, client, errors };
}

/** Lets the newest attempt through the handshake. */
export async function handshake(
  { server }: Pick<Setup, "server">,
  clientId = "c1",
  more: Partial<ServerFrames["Connected"]> = {},
): Promise<Connection> {
  await turn();
  const { connection } = server;
  connection.open();
  await turn();
  connection.say(connectedAs(clientId, more));
  await turn();
  return connection;
}

/** Answers a subscription with a snapshot. */
export async function giveSnapshot(
  connection: Connection,
  target: string,
  sequence: number,
  model: unknown,
  more: Partial<ServerFrames["Settled"]> = {},
): Promise<void> {
  connection.say(
    settledFrame(target, connection.ref(target), { sequence, ...more }),
    snapshotFrame(target, sequence, sequence * 10, model),
  );
  await turn();
}

export const items = (...texts: string[]): { items: string[]; stamp: number } => ({ items: texts, stamp: 0 });

/** The messages among what was sent. */
export const messagesIn = (frames: readonly ClientFrame[]): ClientFrames["TopicMessage"][] =>
  frames.filter((frame) => frame.type === "TopicMessage");
