// The clients of servers in other processes: real ones over real connections, whose users never stop. What they do and see is
// recorded as in a simulation.
import { createClient, memoryStorage } from "@calla/client";
import type { Client, ClientOptions, Storage, Transport } from "@calla/client";
import { inside } from "@calla/client/testing";
import type { PageStorage, StorageChange } from "@calla/client/testing";
import type { ClientFrame, Wiring } from "@calla/shared";
import type { HistoryEvent, SimulatedAction, SimulationSetup, Told } from "../src/index.ts";
import { seededRandom } from "../src/index.ts";
import type { SeededRandom } from "../src/index.ts";
import { committed, failedBy, hookedBy, sent } from "../src/simulation/page-events.ts";
import type { AnyTopic } from "../src/simulation/pages.ts";
import { clientDecoder } from "../src/network/pair.ts";
import { setup as newest } from "./wiring.ts";

export interface PersonOptions {
  readonly index: number;
  readonly user: string;
  readonly seed: number;
  readonly transport: Transport;
  readonly pads: readonly string[];
  readonly record: (event: HistoryEvent) => void;
  /** Which of its client's pages this is, over what the one before has stored. */
  readonly page?: number;
  readonly storage?: Storage;
  /** The page's version: the newest by default. */
  readonly setup?: SimulationSetup;
  readonly onVersionMismatch?: ClientOptions<Wiring>["onVersionMismatch"];
  /** A message of theirs was held (OB20), which they send once more. */
  readonly onHeld?: () => void;
}

/** More undecided than this, and a user waits: the load is the server's to set. */
const AT_ONCE = 24;

export class Person {
  readonly client: Client<Wiring>;
  readonly topics: readonly AnyTopic[];
  untold = 0;
  readonly #options: PersonOptions;
  readonly #random: SeededRandom;
  readonly #actions: readonly SimulatedAction[];
  readonly #page: number;
  /** Gone: nobody hears anything any more. */
  #ended = false;

  constructor(options: PersonOptions) {
    const { index: client, user, seed, transport, pads, page = 0, storage = memoryStorage() } = options;
    const { onHeld } = options;
    const { setup = newest as unknown as SimulationSetup, onVersionMismatch } = options;
    const record = (event: HistoryEvent): void => {
      if (!this.#ended) options.record(event);
    };
    this.#page = page;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#actions = setup.actions.filter(
      ({ by, params }) => by === "client" && params.every((id) => pads.includes(id)),
    );
    const serialiser = setup.serialiser.use(client % 2 === 0 ? "json" : "messagepack");
    const { wiring } = setup;
    this.client = createClient({
      wiring,
      serialiser,
      transport: overheard(
        transport,
        clientDecoder(serialiser, (frame) => this.#sent(frame)),
      ),
      storage: recordedStorage(inside(storage), { client, page }, options.record),
      ...(onVersionMismatch && { onVersionMismatch }),
      user,
      token: () => user,
      strict: true,
      answerTimeout: 2_000,
      onOutcome: (decided) => record({ type: "hooked", client, page, ...hookedBy(decided) }),
      onError: (error) => {
        if (onHeld === undefined || (error as { code?: string }).code !== "held")
          return record({ type: "reported", by: `client ${client}`, error });
        onHeld();
        for (const held of this.client.status.held) held.retry();
      },
    });
    const [pad] = wiring.topics;
    this.topics = [
      ...pads.map((id) => this.client.topic(pad as never, ...([id] as never))),
      this.client.session,
    ] as unknown as AnyTopic[];
    for (const topic of this.topics) this.#listen(topic, pad!.version);
  }

  /** The page goes: what it was told to keep is kept, and whoever waits here never hears. */
  async end(): Promise<void> {
    this.#options.record({ type: "ended", client: this.#options.index, page: this.#page });
    this.#ended = true;
    await this.client.close();
  }
  /** Nobody is to hear what still comes. */
  #record(event: HistoryEvent): void {
    if (!this.#ended) this.#options.record(event);
  }

  #sent(frame: ClientFrame): void {
    const { index: client, record } = this.#options;
    const event = sent(frame, this.client.clientId, { client, page: this.#page });
    if (event !== undefined) record(event);
  }

  #listen(topic: AnyTopic, version: number): void {
    const { index: client } = this.#options;
    const page = this.#page;
    this.#record({ type: "listens", client, page, target: topic.id });
    topic.onChange(({ status, model, pending, code = "" }) =>
      this.#record({
        type: "shown",
        client,
        page,
        version,
        listener: "state",
        target: topic.id,
        status,
        code,
        model,
        pending,
      }),
    );
  }

  /** Does something, unless much is undecided. */
  act(): void {
    if (this.untold >= AT_ONCE) return;
    const { index: client, user } = this.#options;
    const page = this.#page;
    const action = this.#random.pick(this.#actions);
    const topic = this.topics.find(({ id }) =>
      action.slice.kind === "session" ? id === "@" : id === `pad:${action.params[0]}`,
    )!;
    const { id, applied } = topic.dispatch(action.message(this.#random, topic.state.model));
    const target = topic.id;
    this.#record({ type: "dispatched", client, page, target, id, userId: user });
    this.untold++;
    const told = (told: Told): void => {
      this.untold--;
      this.#record({ type: "told", client, page, target, id, told });
    };
    applied.then(
      ({ sequence, messages }) => told({ is: "applied", sequence, messages }),
      (error: { code?: string; from?: string }) => told(failedBy(error)),
    );
  }

  /** What is not at rest, or undefined. */
  get restless(): string | undefined {
    const { status } = this.client;
    const name = `client ${this.#options.index}`;
    if (status.connection !== "open") return `${name} is ${status.connection} (${status.reason})`;
    if (this.untold > 0) return `${name} has ${this.untold} dispatches whose callers wait`;
    for (const { id, state } of this.topics)
      if (state.status !== "live" || state.pending.length > 0)
        return `${name}'s ${id} is ${state.status} with ${state.pending.length} pending`;
    return undefined;
  }
}

function recordedStorage(
  inner: PageStorage,
  page: { readonly client: number; readonly page: number },
  record: PersonOptions["record"],
): PageStorage {
  const note = (changes: readonly StorageChange[], stage: "asked" | "durable"): void =>
    committed(changes, stage, page).forEach(record);
  return {
    ...inner,
    async commit(changes) {
      note(changes, "asked");
      await inner.commit(changes);
      note(changes, "durable");
    },
  };
}

const overheard = (transport: Transport, hear: (data: string | Uint8Array) => unknown): Transport => ({
  ...transport,
  connect(handlers, format) {
    const link = transport.connect(handlers, format);
    return {
      send(data) {
        hear(data);
        link.send(data);
      },
      close: () => link.close(),
    };
  },
});
