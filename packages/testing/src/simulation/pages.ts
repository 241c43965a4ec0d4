// The clients of a run. A client is a storage and a network; its pages come and go, each with what the app of that page
// has subscribed to and dispatched. Everything that a page sees is recorded.
import { createClient, keepModels, memoryStorage } from "@calla/client";
import type { Client, Pending, Write } from "@calla/client";
import type { StorageChange } from "@calla/client/testing";
import { hashValue, OWN_SESSION, topicId } from "@calla/shared";
import type { TargetKey, TopicPattern, TopicSlice, Wiring } from "@calla/shared";
import type { ProcessClock, VirtualClock } from "../doubles/clock.ts";
import type { HistoryEvent, Told } from "../history/history.ts";
import { committed, failedBy, hookedBy, sent } from "./page-events.ts";
import { connectionPair } from "../network/pair.ts";
import type { ConnectionPair } from "../network/pair.ts";
import type { Reachable } from "../network/link.ts";
import { serialiserOf } from "./plan.ts";
import type { RunConfig } from "./plan.ts";
import type { SeededRandom } from "../doubles/random.ts";
import type { SimulatedAction, SimulatedTracking, SimulationSetup } from "./setup.ts";
import { crashableStorage } from "../doubles/storage.ts";
import type { CrashableStorage } from "../doubles/storage.ts";

/** As much of a topic as a run uses, whatever its slice. */
export interface AnyTopic {
  readonly id: TargetKey;
  readonly state: AnyState;
  onChange(listener: (state: AnyState) => void): () => void;
  select(pick: (state: AnyState) => unknown): { onChange(listener: (value: unknown) => void): () => void };
  dispatch(message: unknown): Write<readonly unknown[], unknown>;
  /** Of a slice that has it; of others asking for it throws. */
  readonly presence: AnyPresence;
}
/** As much of a topic's presence as a run uses. */
export interface AnyPresence {
  readonly status: string;
  readonly list: ReadonlyMap<string, readonly { readonly meta: unknown; readonly from: number | null }[]>;
  track(meta: unknown): void;
  untrack(): void;
  retain(): () => void;
}
export interface AnyState {
  readonly status: string;
  readonly model: unknown;
  readonly code?: string;
  readonly pending: readonly Pending[];
}

/** A topic that clients can subscribe to. */
export interface PagePlace {
  readonly slice: TopicSlice;
  readonly params: readonly string[];
  readonly key: TargetKey;
}
export const placeOf = (slice: TopicSlice, params: readonly string[]): PagePlace => ({
  slice,
  params,
  key: topicId(slice.pattern as TopicPattern<"*">, ...(params as [string])),
});

export interface PagesOptions<W extends Wiring> {
  readonly setup: SimulationSetup<W, never>;
  readonly config: RunConfig;
  readonly index: number;
  readonly places: readonly PagePlace[];
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly server: Reachable;
  /** Where its POSTs may land. */
  readonly servers: readonly Reachable[];
  readonly record: (event: HistoryEvent) => void;
  readonly count: (what: string) => void;
}

/** Shorter than in production, so that a run need not wait. The server is not asked to wait less. */
const PATIENCE = {
  heartbeat: 2_000,
  heartbeatTimeout: 1_000,
  connectTimeout: 1_500,
  answerTimeout: 1_500,
  linger: 300,
};

/** The share of a rolling deploy's pages that are newer than all its nodes. */
const EARLY = 0.2;

export class Pages<W extends Wiring> {
  readonly pair: ConnectionPair;
  readonly disk: CrashableStorage;
  readonly #options: PagesOptions<W>;
  /** What each page subscribes to at the start. */
  readonly subscriptions: Set<number>;
  page = 0;
  /** Whether this page is of the older version; told of a newer one, it reloads into that. */
  #older: boolean;
  client!: Client<W>;
  #clock!: ProcessClock;
  /** Whom this page takes itself to speak for. */
  userId: string | null = null;
  /** Writes of this page whose callers wait. */
  untold = 0;
  #stops = new Map<TargetKey, () => void>();
  /** As what this page is to be listed, by topic. */
  tracked = new Map<TargetKey, unknown>();

  constructor(options: PagesOptions<W>) {
    this.#options = options;
    const { setup, config, index, clock, random, server, record, count } = options;
    const { format, commitDelay, modelDelay, subscriptions, via } = config.clients[index]!;
    this.#older = config.rolling && !random.fork("version").chance(EARLY);
    const [low, high] = config.latency;
    const latency = random.fork("latency");
    const disk = random.fork("disk");
    this.subscriptions = new Set(subscriptions);
    const ways = random.fork("ways");
    let attempts = 0;
    const serialiser = serialiserOf(setup, config);
    this.pair = connectionPair(server, {
      via: () => via[attempts++ % via.length] ?? "socket",
      speaksTo: () => ways.pick(options.servers),
      serialiser,
      format: serialiser.formats[format]!.name,
      clock,
      latency: () => latency.int(low, high),
      onCut: (point) => count(`cut ${point}`),
      onSent: (frame) => {
        const event = sent(frame, this.client.clientId, { client: index, page: this.page });
        if (event !== undefined) record(event);
      },
      onAnswered: (frame) => {
        if (frame.type === "Settled") count(`resync: ${frame.resync} (${frame.reason})`);
        else if (frame.type === "Rejected") count(`rejected: ${frame.code}`);
        else if (frame.type === "Paused") count(`paused: ${frame.code}`);
        else if (frame.type === "Unsubscribed") count(`unsubscribed: ${frame.code}`);
        else if (frame.type === "Closing") count(`closing: ${frame.code}`);
        else if (frame.type === "Acknowledge" && frame.messages !== undefined) count("amended");
      },
    });
    this.disk = crashableStorage({
      clock,
      delay: () => (commitDelay === 0 ? 0 : disk.int(0, commitDelay)),
      inner: memoryStorage(
        // Few enough that some have to go.
        modelDelay === 0 ? {} : { models: keepModels({ delay: modelDelay, maxModels: 2, pause: 500 }) },
      ),
      onCommit: (changes, stage) => this.#committed(changes, stage),
    });
    this.#open(this.disk.open());
  }

  #committed(changes: readonly StorageChange[], stage: "asked" | "durable" | "failed"): void {
    const { index: client, record, count } = this.#options;
    for (const event of committed(changes, stage, { client, page: this.page })) {
      if (event.type === "kept" && event.target !== null) count("a model stored");
      record(event);
    }
  }

  #open(storage: Parameters<typeof createClient>[0]["storage"] & object): void {
    const { config, index, clock, random, record, count } = this.#options;
    const { user, named } = config.clients[index]!;
    const { page } = this;
    this.#clock = clock.process();
    this.userId = named ? user : null;
    this.client = createClient<W>({
      wiring: this.#setup.wiring as W,
      serialiser: this.pair.serialiser,
      transport: {
        ...this.pair.transport,
        // What a page that is gone still wants to say, nobody hears.
        connect: (handlers, format) =>
          this.page === page ? this.pair.transport.connect(handlers, format) : { send() {}, close() {} },
      },
      storage,
      ...(named ? { user } : {}),
      ...(user === null ? {} : { token: () => user }),
      strict: true,
      digest: hashValue,
      ...PATIENCE,
      clock: this.#clock,
      random: random.fork(`page ${page}`),
      wakeUps: () => () => {},
      onVersionMismatch: () => this.#outdated(),
      onConnect: ({ userId }) => void (this.userId = userId),
      onOutcome: (decided) => {
        const hooked = hookedBy(decided);
        if (hooked.code === "version") count("a message that means nothing any more");
        record({ type: "hooked", client: index, page, ...hooked });
      },
      onError: (error) => record({ type: "reported", by: `client ${index}`, error }),
    });
    this.#stops = new Map();
    this.tracked = new Map();
    for (const topic of this.subscriptions) this.subscribe(topic);
    const { session } = this.client;
    if (session !== undefined) this.#listen(session as unknown as AnyTopic);
  }

  /** The wiring, and what its users do, in the page's version. */
  get #setup() {
    const { setup } = this.#options;
    return this.#older ? setup.older! : setup;
  }

  /** The server has told the app of a newer version: it reloads the page, some time later. */
  #outdated(): void {
    const { index, record, count, random } = this.#options;
    if (!this.#older) {
      const error = new Error("A page of the newest version was told of a newer one.");
      return record({ type: "reported", by: `client ${index}`, error });
    }
    count("a page told of a newer version");
    this.#clock.setTimeout(
      () => {
        if (!this.#older) return;
        this.#older = false;
        this.crash(false, 0);
      },
      random.fork(`reload ${this.page}`).int(0, 400),
    );
  }

  topic({
    slice,
    params,
  }: {
    readonly slice: SimulatedAction["slice"];
    readonly params: readonly string[];
  }): AnyTopic {
    const { client } = this;
    if (slice.kind === "session") return client.session as unknown as AnyTopic;
    const here = this.#setup.wiring.topics.find(({ name }) => name === slice.name);
    return (client.topic as unknown as (slice: unknown, ...params: readonly string[]) => AnyTopic)(
      here,
      ...params,
    );
  }

  #listen(topic: AnyTopic): void {
    const { index: client, record, count } = this.#options;
    const { page } = this;
    const { wiring } = this.#setup;
    const slice = topic.id === OWN_SESSION ? wiring.session : wiring.sliceOf(topic.id)?.slice;
    const version = slice!.version;
    let first = true;
    const show = (listener: "state" | "model", { status, model, pending, code = "" }: AnyState): void => {
      if (first && status === "stale" && this.client.status.connection !== "open")
        count("a stored model shown");
      if (first && model !== undefined && listener === "model") first = false;
      const target = topic.id;
      const as = { userId: this.userId, clientId: this.client.clientId };
      record({ type: "shown", client, page, listener, target, version, status, code, model, as, pending });
    };
    record({ type: "listens", client, page, target: topic.id });
    const stops = [
      topic.onChange((state) => show("state", state)),
      topic.select(({ model }) => model).onChange(() => show("model", topic.state)),
    ];
    if (slice?.kind === "topic" && slice.presence !== undefined) stops.push(topic.presence.retain());
    this.#stops.set(topic.id, () => stops.forEach((stop) => stop()));
  }

  /** Somebody sets the wall clock of the machine that the page runs on. */
  setClock(by: number): void {
    this.#clock.step(by);
  }

  subscribe(topic: number): void {
    this.subscriptions.add(topic);
    const place = this.#options.places[topic]!;
    if (!this.#stops.has(place.key)) this.#listen(this.topic(place));
  }
  unsubscribe(topic: number): void {
    this.subscriptions.delete(topic);
    const { key } = this.#options.places[topic]!;
    this.#stops.get(key)?.();
    this.#stops.delete(key);
  }
  /** The keys this page listens to. */
  get subscribed(): readonly TargetKey[] {
    return [...this.#stops.keys()];
  }

  /** Says as what it is listed on a topic, or that it is not. */
  track({ slice, params }: SimulatedTracking, meta: unknown): void {
    const topic = this.topic({ slice, params });
    if (meta === undefined) {
      topic.presence.untrack();
      this.tracked.delete(topic.id);
    } else {
      topic.presence.track(meta);
      this.tracked.set(topic.id, meta);
    }
  }

  /** One of the setup's actions, as a page of this version does it. */
  dispatch(index: number, random: SeededRandom, cancel: boolean): void {
    const action = this.#setup.actions[index]!;
    const topic = this.topic(action);
    const message = action.message(random, topic.state.model);
    const { index: client, record } = this.#options;
    const { page } = this;
    const target = topic.id;
    const write = topic.dispatch(message);
    const { id } = write;
    record({ type: "dispatched", client, page, target, id, userId: this.userId });
    this.untold++;
    const told = (told: Told): void => {
      if (this.page === page) this.untold--;
      record({ type: "told", client, page, target, id, told });
    };
    write.applied.then(
      ({ sequence, messages }) => told({ is: "applied", sequence, messages }),
      (error: { code?: string; from?: string }) => told(failedBy(error)),
    );
    // Now, or when it is on its way to the disk.
    if (cancel) this.#clock.setTimeout(() => write.cancel(), random.int(0, 30));
  }

  /** The page is gone at once, and another one comes, over what is on the disk. */
  crash(machineToo: boolean, late: number): void {
    const { index: client, record, clock } = this.#options;
    this.#clock.kill();
    for (const link of this.pair.links) {
      if (!link.held) continue;
      link.abandon();
      // The server hears of it some time later, maybe after the next page has said Hello.
      clock.setTimeout(() => link.breakForServer(), late);
    }
    record({ type: "ended", client, page: this.page });
    this.page++;
    this.untold = 0;
    this.#open(machineToo ? this.disk.open() : this.disk.reopen());
  }
}
