// A browser with tabs: one store and one set of locks, pages that are closed, crash, are reloaded and duplicated, each
// with a network of its own. And one server over a log that is kept as evidence.
import { createClient, keepModels, memoryLocks, tabStorage } from "@calla/client";
import type { Client, KeyValueStore, TabNote, Write } from "@calla/client";
import { clientsIn, memoryStore } from "@calla/client/testing";
import { createServer, memoryLog } from "@calla/server";
import type { AnyUser, LogRecord, Server } from "@calla/server";
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import * as z from "zod";
import { archivedLog, connectionPair, seededRandom, virtualClock } from "../../src/index.ts";
import { VIA } from "../tested-via.ts";
import type { ConnectionPair, ProcessClock, SeededRandom } from "../../src/index.ts";

const list = defineTopic("list:*", {
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: { added: z.object({ text: z.string() }) },
  rejections: { twice: z.object({}) },
  update: {
    added: ({ items }, { text }, context) =>
      items.includes(text) ? context.reject("twice", {}) : { items: [...items, text] },
  },
});
const wiring = defineWiring({ topics: [list] });
const serialiser = automatic(json());
type Wired = typeof wiring;

const isPoison = (frame: ClientFrame): boolean =>
  frame.type === "TopicMessage" && (frame.messages[0] as { text?: string } | undefined)?.text === "poison";

/** One dispatch, from its page's side. */
export interface Sent {
  readonly text: string;
  readonly topic: string;
  readonly write: Pick<Write, "id" | "state">;
  /** `queued` has resolved. */
  durable: boolean;
  told: string | undefined;
}

export class World {
  readonly clock = virtualClock();
  readonly random: SeededRandom;
  readonly log = archivedLog(memoryLog({ random: seededRandom(5) }), wiring);
  readonly errors: unknown[] = [];
  readonly tabs: Tab[] = [];
  readonly rejected: { readonly id: string; readonly code: string }[] = [];
  readonly store: KeyValueStore = memoryStore();
  readonly locks = memoryLocks();
  /** What a poisonous message does to the connection that carries it. */
  poison: "ends" | "silences" = "ends";
  server!: Server<Wired, AnyUser>;
  #serverClock!: ProcessClock;

  constructor(seed = 1) {
    this.random = seededRandom(seed);
    this.startServer();
  }

  stored() {
    return clientsIn(this.store);
  }

  startServer(): void {
    this.#serverClock?.kill();
    this.#serverClock = this.clock.process();
    this.server = createServer<Wired, AnyUser>({
      wiring,
      serialiser,
      log: this.log,
      clock: this.#serverClock,
      random: this.random.fork(`server ${this.clock.now()}`),
      secret: "a secret of sixteen bytes",
      authenticate: ({ token }) => ({ id: String(token) }),
      onError: (error) => this.errors.push(error),
    });
    this.server.handle(list, { public: true });
    for (const { pair } of this.tabs)
      for (const link of pair.links) {
        link.breakForServer();
        link.breakForClient();
      }
  }

  open(user: string, options: TabOptions = {}): Tab {
    const tab = new Tab(this, user, options);
    this.tabs.push(tab);
    return tab;
  }
  get alive(): Tab[] {
    return this.tabs.filter(({ alive }) => alive);
  }

  /** The accepted records of a list, in order. */
  records(id = "1"): readonly LogRecord[] {
    const places = this.log.archive.get(`list:${id}`)?.paths.at(-1)?.places ?? [];
    return places.flatMap(({ record }) => (record ? [record] : []));
  }
  texts(id = "1"): string[] {
    return this.records(id).map(({ messages }) => (messages[0] as unknown as { text: string }).text);
  }
}

export interface TabOptions {
  /** The app knows whose page it is before the server says so. Default: yes. */
  readonly named?: boolean;
  readonly note?: TabNote | undefined;
  /** Whether the network is there. Default: yes. */
  readonly online?: boolean;
  /** Milliseconds that a commit takes. */
  readonly commitDelay?: number;
  readonly latency?: number;
  /** Milliseconds of silence after which a page asks whether the server is there: 2,000. */
  readonly heartbeat?: number;
  readonly topics?: readonly string[];
}

export class Tab {
  readonly client: Client<Wired>;
  readonly pair: ConnectionPair;
  readonly user: string;
  readonly sent: Sent[] = [];
  /** What the page and its flushers have said. */
  readonly said: ClientFrame[] = [];
  note: TabNote | undefined;
  alive = true;
  readonly #world: World;
  readonly #clock: ProcessClock;
  readonly #locks;
  /** Commits under way: true says that this one reaches the disk though its page is gone. */
  #lands: () => boolean = () => false;

  constructor(world: World, user: string, options: TabOptions) {
    const {
      named = true,
      online = true,
      commitDelay = 0,
      latency = 5,
      heartbeat = 2_000,
      topics = ["1"],
    } = options;
    this.#world = world;
    this.user = user;
    this.note = options.note;
    this.#clock = world.clock.process();
    this.#locks = world.locks.page();
    const random = world.random.fork(`tab ${world.tabs.length}`);
    this.pair = connectionPair(
      {
        connect: (wired) => world.server.connect(wired),
        speak: (spoken) => world.server.speak(spoken),
      },
      {
        serialiser,
        clock: world.clock,
        via: () => VIA,
        latency: () => latency,
        onSent: (frame) => {
          this.said.push(frame);
          if (isPoison(frame)) world.clock.setTimeout(() => this.#poisoned(), 1);
        },
      },
    );
    this.pair.reachable = online;
    this.client = createClient<Wired>({
      wiring,
      serialiser,
      transport: {
        ...this.pair.transport,
        connect: (handlers, format) =>
          this.alive ? this.pair.transport.connect(handlers, format) : { send() {}, close() {} },
      },
      storage: tabStorage({
        models: keepModels({ delay: 200, hides: () => () => {} }),
        store: () => this.#store(commitDelay),
        locks: () => this.#locks,
        memory: { read: () => this.note, write: (note) => void (this.alive && (this.note = note)) },
        random,
        abandonedAfter: 1_000,
      }),
      ...(named ? { user } : {}),
      token: () => user,
      clock: this.#clock,
      random,
      wakeUps: () => () => {},
      heartbeat,
      heartbeatTimeout: heartbeat / 2,
      connectTimeout: 1_500,
      answerTimeout: 1_500,
      onOutcome: (decided) => {
        if ("error" in decided) world.rejected.push({ id: decided.id, code: decided.error.code });
      },
      onError: (error) => this.alive && world.errors.push(error),
    });
    for (const id of topics) this.client.topic(list, id).onChange(() => {});
  }

  /** The shared store, for as long as this page lives. Of a page that is gone nobody waits for an answer. */
  #store(delay: number): KeyValueStore {
    const { store, clock } = this.#world;
    const forEver = new Promise<never>(() => {});
    const living =
      <A extends unknown[], R>(run: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        if (!this.alive) return forEver;
        const result = await run(...args);
        return this.alive ? result : forEver;
      };
    return {
      read: living(store.read),
      keys: living(store.keys),
      close: () => Promise.resolve(),
      commit: async (parts) => {
        if (delay > 0) await new Promise<void>((done) => clock.setTimeout(done, delay));
        if (!this.alive && !this.#lands()) return forEver;
        const result = store.commit(parts);
        if (this.alive) return result;
        result.catch(() => {});
        return forEver;
      },
    };
  }

  /** Something on the way does not let such a message through. */
  #poisoned(): void {
    for (const link of this.pair.links.filter((one) => one.held && one.toServer.sent.some(isPoison))) {
      if (this.#world.poison === "silences") {
        link.toServer.close();
        link.toClient.close();
        continue;
      }
      link.breakForServer();
      link.breakForClient();
    }
  }

  add(text: string, topic = "1"): Sent {
    const write = this.client.topic(list, topic).dispatch({ type: "added", text });
    const sent: Sent = { text, topic, write, durable: false, told: undefined };
    this.sent.push(sent);
    write.queued.then(
      () => (sent.durable = true),
      () => {},
    );
    write.applied.then(
      () => (sent.told = "applied"),
      (error: { code: string }) => (sent.told = error.code),
    );
    return sent;
  }
  items(topic = "1"): readonly string[] | undefined {
    return this.client.topic(list, topic).state.model?.items;
  }
  pending(topic = "1"): string[] {
    return this.client
      .topic(list, topic)
      .state.pending.flatMap(({ messages }) => messages)
      .map(({ text }) => text);
  }
  /** Its connections that spoke for pages that are gone. */
  get flushes(): number {
    return this.pair.links.filter(({ toServer }) =>
      toServer.sent.some((frame) => frame.type === "Hello" && frame.flushOnly === true),
    ).length;
  }

  offline(): void {
    this.pair.reachable = false;
    for (const link of this.pair.links) {
      link.breakForServer();
      link.breakForClient();
    }
  }
  online(): void {
    this.pair.reachable = true;
  }

  /** The page is gone at once. `lands`: what it was storing still reaches the disk, as when only the page has crashed. */
  crash(lands = false, late = 30): void {
    this.#lands = () => lands;
    this.alive = false;
    this.#clock.kill();
    this.#locks.end();
    for (const link of this.pair.links) {
      if (!link.held) continue;
      link.abandon();
      this.#world.clock.setTimeout(() => link.breakForServer(), late);
    }
  }
  /** Closed with a goodbye: what it was storing is stored. */
  async close(): Promise<void> {
    void this.client.close();
    await this.#world.clock.advance(100);
    this.crash();
  }
  /** The same tab again. */
  reload(options: TabOptions = {}): Tab {
    const { note } = this;
    this.crash(true);
    return this.#world.open(this.user, { note: note && { ...note, left: true }, ...options });
  }
  /** Another tab that begins as a copy of this one. */
  duplicate(options: TabOptions = {}): Tab {
    return this.#world.open(this.user, { note: this.note, ...options });
  }
}
