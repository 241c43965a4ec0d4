// A stage for one scenario: servers, clients and one clock, with every packet in the test's hand. What happens is
// recorded, and `rest` ends each scenario with quiet, the history's rules, and a look at what everybody has.
import { createClient, keepModels, memoryStorage, migrateStored } from "@calla/client";
import type { Client, ClientOptions, StorageChange, Write } from "@calla/client";
import { createServer, memoryLog } from "@calla/server";
import type { AnyUser, Handlers, Refused, Server } from "@calla/server";
import { faultyLog, LogFaultError } from "@calla/server/testing";
import type { FaultyLog, LogCall, LogFault } from "@calla/server/testing";
import { CallaError, OWN_SESSION, sameValue, topicId } from "@calla/shared";
import type { ClientFrame, ClientMessageOf, Limits, ModelOf, ServerFrame } from "@calla/shared";
import { expect } from "vitest";
import {
  archivedLog,
  checkHistory,
  connectionPair,
  crashableStorage,
  lossyPubSub,
  seededRandom,
  virtualClock,
} from "../../src/index.ts";
import type {
  ConnectionPair,
  CrashableStorage,
  HistoryEvent,
  ProcessClock,
  Told,
  VirtualClock,
} from "../../src/index.ts";
import { lanesOf } from "../../src/pair.ts";
import { quietOf } from "../../src/quiet.ts";
import { committed, failedBy, hookedBy, sent } from "../../src/page-events.ts";
import type { World } from "../../src/world.ts";
import type { Reachable } from "../../src/link.ts";
import type { TestedLog } from "../../src/setup.ts";
import { testedLog } from "../tested-log.ts";
import { POLL_INTERVAL, VIA } from "../tested-via.ts";
import { cursors, note, serialiser, session, strictNote, strictWiring, wiring } from "./wiring.ts";
import type { FormatName } from "./wiring.ts";

export type Note = ModelOf<typeof note>;
export type NoteMessage = ClientMessageOf<typeof note>;
type Wired = typeof wiring;
type NoteServer = Server<Wired, AnyUser>;
export type NoteHandlers = Omit<Handlers<typeof note, AnyUser>, "public">;

export interface StageOptions {
  readonly nodes?: number;
  readonly retention?: number;
  readonly limits?: Partial<Limits>;
  /** Of notes; what is not given is allowed. */
  readonly handlers?: NoteHandlers;
  /** The server's notes take short lines only. */
  readonly strictNotes?: boolean;
  /** Whether nodes hear each other's doorbells. Default: yes. */
  readonly doorbell?: boolean;
  readonly onTopicMessage?: () => void;
  readonly onMessage?: () => void;
}

export interface ActorOptions {
  readonly format?: FormatName;
  readonly node?: number;
  readonly user?: string;
  /** Follows note 1 from the start. Default: yes. */
  readonly follows?: boolean;
  /** Milliseconds until a commit of its storage is durable. */
  readonly commitDelay?: number;
  /** Its storage keeps models, so many milliseconds after they change. Default: none. */
  readonly modelDelay?: number;
  /** Packets travel by themselves, for so many milliseconds. Default: they wait for the test. */
  readonly latency?: number;
  readonly tuning?: Pick<
    ClientOptions,
    "linger" | "heartbeat" | "heartbeatTimeout" | "answerTimeout" | "connectTimeout"
  >;
  readonly transport?: (pair: ConnectionPair) => ConnectionPair["transport"];
}

/** A dispatch, and what its caller has been told. */
export interface Sent {
  readonly write: Pick<Write, "id" | "state" | "applied" | "queued" | "cancel">;
  readonly told: Told | undefined;
  /** What it was rejected with. */
  readonly error: unknown;
}

export interface Shown {
  readonly status: string;
  readonly model: Note | undefined;
  readonly pending: number;
}

const keyOf = (id: string): string => topicId(note.pattern, id);

export class Stage {
  readonly clock: VirtualClock = virtualClock();
  readonly random = seededRandom(7);
  readonly events: HistoryEvent[] = [];
  readonly nodes: StageNode[] = [];
  readonly actors: Actor[] = [];
  readonly log;
  readonly doorbell;
  readonly options: StageOptions;
  /** The slice that the servers' wiring has. */
  readonly slice: typeof note;
  readonly #notes = new Set(["1"]);
  readonly #reopen: () => Promise<void>;

  constructor(options: StageOptions = {}) {
    this.options = options;
    this.slice = options.strictNotes === true ? (strictNote as unknown as typeof note) : note;
    const { nodes = 1, retention = 1_000, doorbell = true } = options;
    const log: TestedLog = (testedLog ?? memoryLog)({
      shared: nodes > 1,
      retention,
      random: this.random.fork("log"),
    });
    this.#reopen = async () => log.reopen?.();
    this.log = archivedLog(log, wiring, {
      appended: (target, path, sequence) => this.record({ type: "appended", target, path, sequence }),
      refused: (target, id) => this.record({ type: "refused", target, id }),
      rewound: (target, from, to) => this.record({ type: "rewound", target, from, to }),
    });
    this.doorbell = lossyPubSub({
      clock: this.clock,
      random: this.random.fork("doorbell"),
      rates: doorbell ? {} : { drop: 1 },
    });
    for (let index = 0; index < nodes; index++) this.nodes.push(new StageNode(this, index));
  }

  record(event: HistoryEvent): void {
    this.events.push(event);
  }
  get node(): StageNode {
    return this.nodes[0]!;
  }
  uses(id: string): void {
    this.#notes.add(id);
  }
  get places() {
    return [...this.#notes].map((id) => ({ slice: this.slice, params: [id], key: keyOf(id) }));
  }

  /** A client, connected and caught up unless it cannot be. */
  async actor(name: string, options: ActorOptions = {}): Promise<Actor> {
    const actor = new Actor(this, this.actors.length, name, options);
    this.actors.push(actor);
    await this.settle();
    return actor;
  }

  /**
   * Delivers everything by hand, of everybody, until nothing happens any more. No time passes, but that until the next
   * poll where there are polls.
   */
  async settle(): Promise<void> {
    await this.#flushAll();
    if (VIA !== "poll") return;
    await this.clock.advance(POLL_INTERVAL);
    await this.#flushAll();
  }

  async #flushAll(): Promise<void> {
    do {
      for (const { pair } of this.actors) await pair.flush();
    } while (
      this.actors.some(({ pair }) =>
        pair.links.some((link) => lanesOf(link).some(({ packets }) => packets.length > 0)),
      )
    );
    await this.clock.settle();
  }

  /** Lets time pass; meanwhile packets of everybody arrive by themselves, within 20 milliseconds. */
  async run(milliseconds: number): Promise<void> {
    let running = true;
    const pump = (): void => {
      if (!running) return;
      for (const { pair } of this.actors) {
        for (const link of pair.links) for (const lane of lanesOf(link)) lane.deliver();
      }
      this.clock.setTimeout(pump, 20);
    };
    pump();
    await this.clock.advance(milliseconds);
    running = false;
    await this.settle();
  }

  /** A note as the log's own archive has it. */
  place(id = "1") {
    const place = this.log.archive.get(keyOf(id))?.paths.at(-1)?.places.at(-1);
    return { sequence: place?.sequence ?? 0, model: (place?.model ?? note.initial()) as Note };
  }
  /** The accepted records of a note, as their messages. */
  messages(id = "1"): readonly unknown[] {
    const places = this.log.archive.get(keyOf(id))?.paths.at(-1)?.places ?? [];
    return places.flatMap(({ record }) => record?.messages ?? []);
  }
  /** A server's own dispatch, carried out. */
  async serve(
    message: Parameters<ReturnType<StageNode["note"]>["dispatch"]>[0],
    { node = 0, key }: { node?: number; key?: string } = {},
  ): Promise<void> {
    let done = false;
    const topic = this.nodes[node]!.note();
    void topic.dispatch(message, key === undefined ? {} : { key }).then(() => (done = true));
    await this.clock.settle();
    expect(done).toBe(true);
  }

  /** What every scenario ends with. `reported`: the codes of errors that were expected, each at least once. */
  async rest({ reported = [] }: { readonly reported?: readonly string[] } = {}): Promise<void> {
    this.doorbell.rates({});
    for (const node of this.nodes) node.calm();
    for (const { pair, client } of this.actors) {
      pair.reachable = true;
      pair.cutAt(undefined);
      client.connect();
    }
    await this.settle();
    let resting = true;
    const pump = (): void => {
      if (!resting) return;
      for (const { pair } of this.actors) for (const link of pair.links) link.toServer.deliver();
      for (const { pair } of this.actors)
        for (const link of pair.links) for (const lane of lanesOf(link).slice(1)) lane.deliver();
      this.clock.setTimeout(pump, 200);
    };
    pump();
    // The kit's own quiet: it looks at what it needs of a world, and this is all of it.
    const { clock, nodes, actors, places, log } = this;
    const quiet = await quietOf({
      clock,
      nodes: { all: nodes, log, reopen: this.#reopen },
      pages: actors,
      places,
    } as unknown as World<Wired>);
    resting = false;
    const { events } = this;
    expect(
      checkHistory({ events, archive: log.archive, quiet, users: actors.map(({ user }) => user) }),
    ).toEqual([]);
    for (const actor of actors) {
      for (const id of actor.followed) {
        const { status, model } = actor.state(id);
        if (status === "refused") continue;
        for (const served of quiet.servers.filter(({ target }) => target === keyOf(id)))
          expect(sameValue(model, served.model), "a replica has another model than the server").toBe(true);
      }
    }
    const codes = events.flatMap((event) => (event.type === "reported" ? [codeOf(event.error)] : []));
    expect([...new Set(codes)].toSorted()).toEqual([...reported].toSorted());
  }
}

/** What an error is called in `rest({ reported })`. */
const codeOf = (error: unknown): string =>
  error instanceof LogFaultError
    ? "log-fault"
    : error instanceof CallaError
      ? String(error.code)
      : String(error);

/** A server of a stage, that may be killed and starts anew over what the log has. */
export class StageNode {
  server!: NoteServer;
  log!: FaultyLog;
  readonly refused: Refused[] = [];
  readonly reachable: Reachable = {
    connect: (wired) => this.server.connect(wired),
    speak: (spoken) => this.server.speak(spoken),
  };
  readonly #stage: Stage;
  readonly #index: number;
  #clock!: ProcessClock;
  #life = 0;
  #faults: { readonly method: LogCall["method"] | "any"; readonly fault: LogFault }[] = [];

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.#index = index;
    this.#start();
  }

  #start(): void {
    const { clock, log, random, doorbell, options } = this.#stage;
    this.#clock = clock.process();
    this.log = faultyLog(log, {
      clock: this.#clock,
      plan: ({ method }) => {
        const at = this.#faults.findIndex((one) => one.method === "any" || one.method === method);
        return at < 0 ? undefined : this.#faults.splice(at, 1)[0]!.fault;
      },
    });
    this.server = createServer<Wired, AnyUser>({
      wiring: options.strictNotes === true ? (strictWiring as unknown as Wired) : wiring,
      serialiser,
      log: this.log,
      pubsub: doorbell,
      clock: this.#clock,
      random: random.fork(`node ${this.#index} ${this.#life}`),
      secret: "a secret that every node of the stage knows",
      authenticate: ({ token }) => ({ id: String(token) }),
      limits: options.limits ?? {},
      strict: true,
      onError: (error) => this.#stage.record({ type: "reported", by: `node ${this.#index}`, error }),
      onRefused: (refused) => void this.refused.push(refused),
      ...(options.onTopicMessage === undefined ? {} : { onTopicMessage: options.onTopicMessage }),
      ...(options.onMessage === undefined ? {} : { onMessage: options.onMessage }),
    });
    this.server.handle(this.#stage.slice, {
      canSubscribe: () => true,
      canDispatch: ({ type }) => type !== "secret",
      ...options.handlers,
    });
    this.server.handle(session, { public: true });
    this.server.handle(cursors, { public: true });
  }

  note(id = "1") {
    this.#stage.uses(id);
    return this.server.topic(this.#stage.slice, id);
  }
  /** The next calls of a method (or of any) meet this. */
  fault(
    fault: LogFault,
    { method = "append", count = 1 }: { method?: LogCall["method"] | "any"; count?: number } = {},
  ): void {
    for (let i = 0; i < count; i++) this.#faults.push({ method, fault });
  }
  calm(): void {
    this.#faults = [];
    this.log.thaw();
  }
  /** The process is gone between two instants, and another one starts over the same log. */
  kill(): void {
    this.log.freeze();
    this.#clock.kill();
    this.#life++;
    this.#faults = [];
    this.#start();
    for (const { pair } of this.#stage.actors)
      for (const link of pair.links) {
        if (link.server !== this.reachable) continue;
        link.breakForServer();
        link.breakForClient();
      }
  }
}

/** A client of a stage: a storage and a network, and the page that is open now. */
export class Actor {
  readonly pair: ConnectionPair;
  readonly disk: CrashableStorage;
  /** Whom the page that is open now speaks for. */
  user: string;
  /** What was shown on this page, one for each call of a listener. */
  shown: Shown[] = [];
  /** What `onOutcome` has heard, on every page. */
  readonly outcomes: { readonly id: string; readonly is: string }[] = [];
  /** The refusals among it. */
  readonly rejected: { readonly id: string; readonly code: string }[] = [];
  /** Why a note's model was replaced, each time. */
  readonly snapshots: string[] = [];
  /** Every frame that was sent to it, arrived or not, over all connections. */
  readonly heard: ServerFrame[] = [];
  readonly said: ClientFrame[] = [];
  page = 0;
  client!: Client<Wired>;
  readonly #stage: Stage;
  readonly #first: number;
  readonly #users: string[];
  readonly #options: ActorOptions;
  readonly #follows: Set<string>;
  #clock!: ProcessClock;
  #stops = new Map<string, () => void>();

  constructor(stage: Stage, index: number, name: string, options: ActorOptions) {
    this.#stage = stage;
    this.#first = index;
    this.#users = [options.user ?? name];
    this.#options = options;
    this.user = options.user ?? name;
    this.#follows = new Set(options.follows === false ? [] : ["1"]);
    const { latency, format = "json", commitDelay = 0, modelDelay, node = 0 } = options;
    const { clock } = stage;
    this.pair = connectionPair(stage.nodes[node]!.reachable, {
      serialiser,
      format,
      clock,
      via: () => VIA,
      pollInterval: POLL_INTERVAL,
      ...(latency === undefined ? {} : { latency: () => latency }),
      onSent: (frame) => this.#sent(frame),
      onAnswered: (frame) => void this.heard.push(frame),
    });
    this.disk = crashableStorage({
      clock,
      delay: () => commitDelay,
      inner: memoryStorage(
        modelDelay === undefined
          ? { migrate: migrateStored }
          : { migrate: migrateStored, models: keepModels({ delay: modelDelay, pause: 500 }) },
      ),
      onCommit: (changes, stage) => this.#committed(changes, stage),
    });
    this.#open(this.disk.open());
  }

  /** Its name in the history: another user of the same browser is another client. */
  get #index(): number {
    return this.#first + 100 * this.#users.indexOf(this.user);
  }

  #sent(frame: ClientFrame): void {
    this.said.push(frame);
    const event = sent(frame, this.client.clientId, { client: this.#index, page: this.page });
    if (event !== undefined && event.target !== OWN_SESSION) this.#stage.record(event);
  }
  #committed(changes: readonly StorageChange[], stage: "asked" | "durable" | "failed"): void {
    for (const event of committed(changes, stage, { client: this.#index, page: this.page }))
      this.#stage.record(event);
  }

  #open(storage: NonNullable<ClientOptions["storage"]>): void {
    const { page } = this;
    const { clock, random } = this.#stage;
    const client = this.#index;
    const transport = this.#options.transport?.(this.pair) ?? this.pair.transport;
    this.#clock = clock.process();
    this.client = createClient<Wired>({
      wiring,
      serialiser: this.pair.serialiser,
      transport: {
        ...transport,
        connect: (handlers, format) =>
          this.page === page ? transport.connect(handlers, format) : { send() {}, close() {} },
      },
      storage,
      user: this.user,
      token: () => this.user,
      strict: true,
      ...this.#options.tuning,
      clock: this.#clock,
      random: random.fork(`page ${client} ${page}`),
      wakeUps: () => () => {},
      onSnapshot: ({ target, reason }) => {
        if (target !== OWN_SESSION) this.snapshots.push(reason);
      },
      onOutcome: (decided) => {
        const { id, is, code, ...rest } = hookedBy(decided);
        this.outcomes.push({ id, is });
        if (is === "rejected" || is === "unknown") this.rejected.push({ id, code });
        this.#stage.record({ type: "hooked", client, page, id, is, code, ...rest });
      },
      onError: (error) => this.#stage.record({ type: "reported", by: `client ${client}`, error }),
    });
    this.#stops = new Map();
    this.shown = [];
    for (const id of this.#follows) this.follow(id);
  }

  note(id = "1") {
    this.#stage.uses(id);
    return this.client.topic(note, id);
  }
  state(id = "1") {
    return this.note(id).state;
  }
  get model(): Note | undefined {
    return this.state().model;
  }

  follow(id = "1"): void {
    this.#follows.add(id);
    const topic = this.note(id);
    if (this.#stops.has(topic.id)) return;
    const name = { client: this.#index, page: this.page, target: topic.id };
    const show = (listener: "state" | "model"): void => {
      const { state } = topic;
      const { status, model, pending } = state;
      if (listener === "state") this.shown.push({ status, model, pending: pending.length });
      const code = state.status === "refused" ? state.code : "";
      this.#stage.record({ type: "shown", ...name, listener, status, code, model, pending });
    };
    this.#stage.record({ type: "listens", ...name });
    const stops = [
      topic.onChange(() => show("state")),
      topic.select(({ model }) => model).onChange(() => show("model")),
    ];
    this.#stops.set(topic.id, () => stops.forEach((stop) => stop()));
  }
  unfollow(id = "1"): void {
    this.#follows.delete(id);
    this.#stops.get(keyOf(id))?.();
    this.#stops.delete(keyOf(id));
  }
  get followed(): readonly string[] {
    return [...this.#follows];
  }

  dispatch(message: NoteMessage | readonly NoteMessage[], id = "1"): Sent {
    const topic = this.note(id);
    const name = { client: this.#index, page: this.page, target: topic.id };
    const write = topic.dispatch(message);
    this.#stage.record({ type: "dispatched", ...name, id: write.id, userId: this.user });
    const its: { write: Sent["write"]; told: Told | undefined; error: unknown } = {
      write,
      told: undefined,
      error: undefined,
    };
    const tell = (told: Told, error?: unknown): void => {
      Object.assign(its, { told, error });
      this.#stage.record({ type: "told", ...name, id: write.id, told });
    };
    write.applied.then(
      ({ sequence, message: applied }) => tell({ is: "applied", sequence, message: applied }),
      (error: { readonly code?: string; readonly from?: string }) => {
        tell(failedBy(error), error);
      },
    );
    return its;
  }

  /** The page is gone; another one comes. `machine`: commits under way are lost too. `user`: somebody else's. */
  crash({
    machine = true,
    user = this.user,
  }: { readonly machine?: boolean; readonly user?: string } = {}): void {
    this.#clock.kill();
    for (const link of this.pair.links) {
      if (!link.held) continue;
      link.abandon();
      link.breakForServer();
    }
    this.#stage.record({ type: "ended", client: this.#index, page: this.page });
    this.page++;
    this.user = user;
    if (!this.#users.includes(user)) this.#users.push(user);
    this.#open(machine ? this.disk.open() : this.disk.reopen());
  }

  /**
   * What is under way to it arrives: by the stream (only so many packets of it, if a count is given), and answers to
   * POSTs, each of which has a way of its own. Over polls what they led to is asked for.
   */
  async hear(count?: number): Promise<void> {
    const { link } = this.pair;
    const [toServer, toClient, answers] = lanesOf(link!);
    toClient!.deliver(count);
    answers?.deliver();
    await this.#stage.clock.settle();
    if (VIA !== "poll") return;
    const pollAt = (): number =>
      link!.toServer.packets.findIndex(
        ({ frames: [frame] }) => frame?.type === "Hello" && frame.poll === true,
      );
    if (pollAt() < 0) await this.#stage.clock.advance(POLL_INTERVAL);
    for (let i = pollAt(); i > 0; i--) toServer!.reorder(i - 1);
    toServer!.deliver(1);
    await this.#stage.clock.settle();
    toClient!.deliver();
    await this.#stage.clock.settle();
  }

  // What the kit's quiet looks at.
  get following(): readonly string[] {
    return [...this.#stops.keys()];
  }
  topic({ params }: { readonly params: readonly string[] }) {
    return this.note(params[0]!);
  }
}

/** A peer that says what it likes, in one format, without a client. */
export class Stranger {
  readonly frames: ServerFrame[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #incoming: ReturnType<NoteServer["connect"]>;
  readonly #format;

  constructor(node: StageNode, name: FormatName = "json") {
    const format = serialiser.use(name).formats[0]!;
    this.#format = format;
    this.#incoming = node.server.connect({
      connection: {
        send: ({ bytes, text }) => {
          const packet = format.decode(text ? Buffer.from(bytes).toString("utf8") : bytes);
          for (const frame of (Array.isArray(packet) ? packet : [packet]) as ServerFrame[])
            this.frames.push(frame);
        },
        close: (code, reason) => void (this.closed = { code, reason }),
        bufferedAmount: () => 0,
      },
      request: { url: "/", headers: {}, remoteAddress: undefined },
      format: name,
    });
  }
  /** Any bytes. */
  raw(data: string | Uint8Array): void {
    this.#incoming.incoming(data);
  }
  /** Anything that the format can write, as it is. */
  say(...frames: readonly unknown[]): void {
    this.raw(this.#format.encode(frames.length === 1 ? frames[0] : frames));
  }
  /** The answers of one type. */
  all<T extends ServerFrame["type"]>(type: T): Extract<ServerFrame, { type: T }>[] {
    return this.frames.filter((frame): frame is Extract<ServerFrame, { type: T }> => frame.type === type);
  }
}
