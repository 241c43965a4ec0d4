// A client of a stage: a storage and a network, and the page that is open now.
import { createClient, keepModels, memoryStorage } from "@calla/client";
import type { Client, ClientOptions, Write } from "@calla/client";
import type { StorageChange } from "@calla/client/testing";
import { OWN_SESSION } from "@calla/shared";
import type { ClientFrame, ServerFrame } from "@calla/shared";
import { connectionPair, crashableStorage } from "../../src/index.ts";
import type { ConnectionPair, CrashableStorage, ProcessClock, Told } from "../../src/index.ts";
import type { Reachable } from "../../src/network/link.ts";
import { committed, failedBy, hookedBy, sent } from "../../src/simulation/page-events.ts";
import { lanesOf } from "../../src/network/pair.ts";
import { POLL_INTERVAL, VIA } from "../tested-via.ts";
import type { Scene } from "./scene.ts";
import { keyOf, note, serialiser, wiring } from "./wiring.ts";
import type { FormatName, Note, NoteMessage, NoteWiring } from "./wiring.ts";

export interface ActorOptions {
  readonly format?: FormatName;
  readonly node?: number;
  readonly user?: string;
  /** Subscribes to note 1 from the start. Default: yes. */
  readonly subscribes?: boolean;
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
  /** After a cut that was arranged nobody can be reached. */
  readonly offlineOnceCut?: boolean;
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
  client!: Client<NoteWiring>;
  readonly #scene: Scene;
  readonly #first: number;
  readonly #users: string[];
  readonly #options: ActorOptions;
  readonly #topics: Set<string>;
  #clock!: ProcessClock;
  #stops = new Map<string, () => void>();

  constructor(scene: Scene, server: Reachable, index: number, name: string, options: ActorOptions) {
    this.#scene = scene;
    this.#first = index;
    this.#users = [options.user ?? name];
    this.#options = options;
    this.user = options.user ?? name;
    this.#topics = new Set(options.subscribes === false ? [] : ["1"]);
    const { latency, format = "json", commitDelay = 0, modelDelay } = options;
    const { clock } = scene;
    this.pair = connectionPair(server, {
      serialiser,
      format,
      clock,
      via: () => VIA,
      pollInterval: POLL_INTERVAL,
      ...(latency === undefined ? {} : { latency: () => latency }),
      onSent: (frame) => this.#sent(frame),
      onAnswered: (frame) => void this.heard.push(frame),
      onCut: () => {
        if (options.offlineOnceCut === true) this.pair.reachable = false;
      },
    });
    scene.pairs.push(this.pair);
    this.disk = crashableStorage({
      clock,
      delay: () => commitDelay,
      inner: memoryStorage(
        modelDelay === undefined ? {} : { models: keepModels({ delay: modelDelay, pause: 500 }) },
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
    if (event !== undefined && event.target !== OWN_SESSION) this.#scene.record(event);
  }
  #committed(changes: readonly StorageChange[], stage: "asked" | "durable" | "failed"): void {
    for (const event of committed(changes, stage, { client: this.#index, page: this.page }))
      this.#scene.record(event);
  }

  #open(storage: NonNullable<ClientOptions["storage"]>): void {
    const { page } = this;
    const { clock, random } = this.#scene;
    const client = this.#index;
    const transport = this.#options.transport?.(this.pair) ?? this.pair.transport;
    this.#clock = clock.process();
    this.client = createClient<NoteWiring>({
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
        this.#scene.record({ type: "hooked", client, page, id, is, code, ...rest });
      },
      onError: (error) => this.#scene.record({ type: "reported", by: `client ${client}`, error }),
    });
    this.#stops = new Map();
    this.shown = [];
    for (const id of this.#topics) this.subscribe(id);
  }

  note(id = "1") {
    this.#scene.uses(id);
    return this.client.topic(note, id);
  }
  state(id = "1") {
    return this.note(id).state;
  }
  get model(): Note | undefined {
    return this.state().model;
  }

  subscribe(id = "1"): void {
    this.#topics.add(id);
    const topic = this.note(id);
    if (this.#stops.has(topic.id)) return;
    const name = { client: this.#index, page: this.page, target: topic.id };
    const show = (listener: "state" | "model"): void => {
      const { state } = topic;
      const { status, model, pending } = state;
      if (listener === "state") this.shown.push({ status, model, pending: pending.length });
      const code = state.status === "refused" ? state.code : "";
      this.#scene.record({ type: "shown", ...name, listener, status, code, model, pending });
    };
    this.#scene.record({ type: "listens", ...name });
    const stops = [
      topic.onChange(() => show("state")),
      topic.select(({ model }) => model).onChange(() => show("model")),
    ];
    this.#stops.set(topic.id, () => stops.forEach((stop) => stop()));
  }
  unsubscribe(id = "1"): void {
    this.#topics.delete(id);
    this.#stops.get(keyOf(id))?.();
    this.#stops.delete(keyOf(id));
  }
  get notes(): readonly string[] {
    return [...this.#topics];
  }

  dispatch(message: NoteMessage | readonly NoteMessage[], id = "1"): Sent {
    const topic = this.note(id);
    const name = { client: this.#index, page: this.page, target: topic.id };
    const write = topic.dispatch(message);
    this.#scene.record({ type: "dispatched", ...name, id: write.id, userId: this.user });
    const its: { write: Sent["write"]; told: Told | undefined; error: unknown } = {
      write,
      told: undefined,
      error: undefined,
    };
    const tell = (told: Told, error?: unknown): void => {
      Object.assign(its, { told, error });
      this.#scene.record({ type: "told", ...name, id: write.id, told });
    };
    write.applied.then(
      ({ sequence, messages }) => tell({ is: "applied", sequence, messages }),
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
    this.#scene.record({ type: "ended", client: this.#index, page: this.page });
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
    await this.#scene.clock.settle();
    if (VIA !== "poll") return;
    const pollAt = (): number =>
      link!.toServer.packets.findIndex(
        ({ frames: [frame] }) => frame?.type === "Hello" && frame.poll === true,
      );
    if (pollAt() < 0) await this.#scene.clock.advance(POLL_INTERVAL);
    for (let i = pollAt(); i > 0; i--) toServer!.reorder(i - 1);
    toServer!.deliver(1);
    await this.#scene.clock.settle();
    toClient!.deliver();
    await this.#scene.clock.settle();
  }

  // What the kit's quiet looks at.
  get subscribed(): readonly string[] {
    return [...this.#stops.keys()];
  }
  topic({ params }: { readonly params: readonly string[] }) {
    return this.note(params[0]!);
  }
}
