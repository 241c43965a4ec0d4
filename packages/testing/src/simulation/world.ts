// A run's world: nodes, clients and one clock; carries out the steps of a plan. Not here: drawing them (plan.ts), judging
// what came of them (check.ts).
import type { LogFault } from "@calla/server/testing";
import { CallaError, OWN_SESSION } from "@calla/shared";
import type { Message, TargetKey, Wiring } from "@calla/shared";
import { virtualClock } from "../doubles/clock.ts";
import type { VirtualClock } from "../doubles/clock.ts";
import { greedy } from "./greedy.ts";
import { Guests } from "./guests.ts";
import type { History, HistoryEvent, Quiet } from "../history/history.ts";
import { Nodes } from "./nodes.ts";
import { Pages, placeOf } from "./pages.ts";
import type { PagePlace } from "./pages.ts";
import type { Plan, Step } from "./plan.ts";
import { quietOf } from "./quiet.ts";
import { seededRandom } from "../doubles/random.ts";
import type { SimulationSetup } from "./setup.ts";

/** The topics that a setup's actions name, each once. */
export function placesOf(setup: Pick<SimulationSetup<never, never>, "actions">): readonly PagePlace[] {
  const places = new Map<TargetKey, PagePlace>();
  for (const { slice, params } of setup.actions) {
    if (slice.kind !== "topic") continue;
    const place = placeOf(slice, params);
    places.set(place.key, place);
  }
  return [...places.values()];
}

export class World<W extends Wiring> {
  /** Begun late enough that no clock that is set back comes before 1970. */
  readonly clock: VirtualClock = virtualClock(100_000_000);
  readonly nodes: Nodes<W>;
  readonly pages: readonly Pages<W>[];
  readonly places: readonly PagePlace[];
  readonly guests: Guests<W>;
  /** How often each thing happened, by name. */
  readonly fired = new Map<string, number>();
  readonly #events: HistoryEvent[] = [];
  readonly #setup: SimulationSetup<W, never>;
  readonly #plan: Plan;

  constructor(setup: SimulationSetup<W, never>, plan: Plan) {
    this.#setup = setup;
    this.#plan = plan;
    this.places = placesOf(setup as never);
    const { clock } = this;
    const { config } = plan;
    const random = seededRandom(plan.seed).fork("world");
    const count = this.count.bind(this);
    const record = this.record.bind(this);
    const restored = (): void => this.#kill(0);
    this.nodes = new Nodes<W>({ setup, config, clock, random, record, count, restored });
    this.pages = config.clients.map(
      ({ node }, index) =>
        new Pages<W>({
          setup,
          config,
          index,
          places: this.places,
          clock,
          random: random.fork(`client ${index}`),
          server: this.nodes.reachable(node),
          servers: this.nodes.all.map((_, other) => this.nodes.reachable(other)),
          record,
          count,
        }),
    );
    const { nodes } = this;
    this.guests = new Guests<W>({
      setup,
      config,
      nodes,
      clock,
      random: random.fork("guests"),
      record,
      count,
    });
  }

  record(event: HistoryEvent): void {
    this.#events.push(event);
  }
  count(what: string): void {
    this.fired.set(what, (this.fired.get(what) ?? 0) + 1);
  }

  async run(): Promise<History> {
    for (const step of this.#plan.steps) {
      await this.clock.advance(step.after);
      const done = await this.#carryOut(step);
      if (done !== false) this.count(step.do);
    }
    const quiet = await this.#becomeQuiet();
    this.guests.end();
    await this.nodes.log.close();
    this.#countFired();
    const users = this.#plan.config.clients.map(({ user }) => user);
    return { events: this.#events, archive: this.nodes.log.archive, quiet, users };
  }

  /** What was arranged counts when it has met something. */
  #countFired(): void {
    const add = (kind: string, fired: Readonly<Record<string, number>>): void => {
      for (const [what, times] of Object.entries(fired))
        for (let i = 0; i < times; i++) this.count(`${kind}: ${what}`);
    };
    for (const fired of this.nodes.fired) add("log", fired);
    add("doorbell", this.nodes.pubsub.fired);
    for (const { disk } of this.pages) add("disk", disk.fired);
  }

  /** False: there was nothing to do it to. */
  async #carryOut(step: Step): Promise<boolean | void> {
    const { clock, nodes } = this;
    switch (step.do) {
      case "dispatch":
        return this.#dispatch(step);
      case "serve":
        return this.#serve(step);
      case "restart":
        return void nodes
          .restart(step.node, step.over)
          .catch((error: unknown) => this.record({ type: "reported", by: "stop", error }));
      case "guest-acts":
      case "guest-cut":
      case "guest-moves":
      case "guest-away":
      case "guest-reloads":
      case "guest-revoked":
        return this.guests.carryOut(step);
      case "engine-apart":
      case "engine-pubsub-away":
      case "engine-failover":
      case "engine-read-only":
      case "engine-held-back":
      case "engine-emptied":
        return void this.nodes.engine.carryOut(step);
      case "upgrade":
        return this.#upgrade(step.node, step.over);
      case "kill":
        return this.#kill(step.node);
      case "set-clock":
        return nodes.all[step.node]!.clock.step(step.by);
      case "append-fails":
        return this.#logFault(step.node, step.count, "append", "fail");
      case "append-lost":
        return this.#logFault(step.node, step.count, "append", "lose");
      case "append-slow":
        return this.#logFault(
          step.node,
          step.count,
          "append",
          step.answer ? { answerAfter: step.for } : { delay: step.for },
        );
      case "log-fails":
        return this.#logFault(step.node, step.count, undefined, "fail");
      case "log-freezes": {
        const { log } = nodes.all[step.node]!;
        log.freeze();
        return void clock.setTimeout(() => log.thaw(), step.for);
      }
      case "log-goes":
        return nodes.fileGoes(step.found, step.for, step.lacks);
      case "greedy":
        return this.#greedy(step);
      case "rewind": {
        const rewound = await nodes.rewind(this.places[step.topic]!.key, step.by);
        // A server that has a log to itself is stopped for a restore.
        if (rewound && nodes.all.length === 1) this.#kill(0);
        return rewound;
      }
      default:
        return this.#toClient(step);
    }
  }

  #dispatch({ client, action: index, seed, count, cancel }: Extract<Step, { do: "dispatch" }>): boolean {
    const pages = this.pages[client]!;
    const random = seededRandom(seed);
    for (let i = 0; i < count; i++) {
      try {
        pages.dispatch(index, random, cancel);
      } catch (error) {
        // What an action makes may be no message for the model it was made for; that is the action's affair.
        if (!(error instanceof CallaError) || error.code !== "invalid") throw error;
        this.count("invalid");
      }
    }
    return true;
  }

  #serve({ node, action: index, seed, keyed }: Extract<Step, { do: "serve" }>): void {
    const { server, older } = this.nodes.all[node]!;
    const action = (older ? this.#setup.older! : this.#setup).actions[index]!;
    const random = seededRandom(seed);
    const topic = (
      server.topic as unknown as (
        slice: unknown,
        ...params: readonly string[]
      ) => {
        dispatch(
          message: Message | readonly Message[],
          options?: { key: string },
        ): Promise<{ sequence: number }>;
      }
    )(action.slice, ...action.params);
    const message = action.message(random, undefined);
    topic.dispatch(message, keyed ? { key: `key ${seed}` } : undefined).then(
      () => this.count("served"),
      () => this.count("serve refused"),
    );
  }

  #greedy({ node, seed, ...appetite }: Extract<Step, { do: "greedy" }>): void {
    const { clock, nodes, places } = this;
    const others = places.map(({ key }) => key);
    const random = seededRandom(seed);
    const topics = `${others[0]?.split(":")[0]}:greedy-`;
    greedy(
      { server: () => nodes.all[node]!.server, clock, random, topics, others, count: this.count.bind(this) },
      appetite,
    );
  }

  #upgrade(node: number, over: number): boolean {
    const upgraded = this.nodes.upgrade(node, over);
    if (upgraded === false) return false;
    upgraded.catch((error: unknown) => this.record({ type: "reported", by: "stop", error }));
    return true;
  }

  #kill(node: number): void {
    this.nodes.kill(node);
    const server = this.nodes.reachable(node);
    for (const { pair } of this.pages) {
      for (const link of pair.links) {
        if (link.server !== server) continue;
        link.breakForServer();
        link.breakForClient();
      }
    }
    this.guests.killed(node);
  }

  #logFault(node: number, count: number, method: string | undefined, fault: LogFault): void {
    const { faults } = this.nodes.all[node]!;
    for (let i = 0; i < count; i++) {
      faults.push({
        matches: (call) => (method === undefined ? call.method !== "secret" : call.method === method),
        fault,
      });
    }
  }

  #toClient(step: Extract<Step, { client: number }>): boolean | void {
    const { clock } = this;
    const pages = this.pages[step.client]!;
    const { pair } = pages;
    switch (step.do) {
      case "set-page-clock":
        return pages.setClock(step.by);
      case "subscribe":
        return pages.subscribe(step.topic);
      case "unsubscribe":
        return pages.unsubscribe(step.topic);
      case "track": {
        const tracking = this.#setup.trackings![step.tracking]!;
        return pages.track(tracking, tracking.meta(seededRandom(step.seed)));
      }
      case "untrack":
        return pages.track(this.#setup.trackings![step.tracking]!, undefined);
      case "leave": {
        const { client } = pages;
        client.disconnect();
        return void clock.setTimeout(() => {
          if (pages.client === client) client.connect();
        }, step.for);
      }
      case "cut": {
        const { link } = pair;
        if (link?.whole !== true) return false;
        pair.cut(step.noticedBy);
        if (step.noticedBy === "client") clock.setTimeout(() => link.breakForServer(), step.other);
        return;
      }
      case "cut-at":
        return pair.cutAt(step.point);
      case "half-open":
        if (pair.link?.whole !== true) return false;
        return pair.halfOpen(step.direction);
      case "drop":
      case "duplicate":
      case "reorder":
        if (pair.link?.whole !== true) return false;
        if (!pair[step.lane][step.do](step.index)) pair[step.lane].spoilNext(step.do);
        return;
      case "delay":
        if (pair.link?.whole !== true) return false;
        return pair[step.lane].delay(step.for);
      case "slow":
        if (pair.link?.whole !== true) return false;
        return pair.link.throttle.slow(step.rate, step.for);
      case "away":
        pair.reachable = false;
        pair.cut();
        return void clock.setTimeout(() => void (pair.reachable = true), step.for);
      case "crash":
      case "reload":
        return this.#crash(pages, step);
      case "disk-full": {
        const { page } = pages;
        pages.disk.failNext(step.count);
        if (step.crash === 0) return;
        return void clock.setTimeout(() => {
          if (pages.page === page) pages.crash(true, step.crash);
        }, step.crash);
      }
      case "move":
        pair.reach(this.nodes.reachable(step.node));
        return pair.cut();
      case "revoke":
      case "grant":
        return this.#access(step.do, step.topic, pages);
      case "dispatch":
        return;
      default:
        step satisfies never;
    }
  }

  /** At once, or at a boundary between two commits; there the count says so. */
  #crash(pages: Pages<W>, { do: what, late, at }: Extract<Step, { do: "crash" | "reload" }>): void {
    const crash = (): void => pages.crash(what === "crash", late);
    if (at === undefined) return crash();
    pages.disk.crashAt(at, () => {
      this.count(`crashed ${at.side} a commit`);
      crash();
    });
  }

  #access(what: "revoke" | "grant", topic: number, pages: Pages<W>): boolean {
    const { clientId } = pages.client;
    const { slice, params } = this.places[topic]!;
    if (clientId === undefined) return false;
    return this.nodes.all.some(({ server }) => {
      const act = (what === "revoke" ? server.unsubscribe : server.subscribe) as unknown as (
        clientId: string,
        slice: unknown,
        ...params: readonly string[]
      ) => boolean;
      // Each version has slices of its own.
      const here = server.wiring.topics.find(({ name }) => name === slice.name);
      return act(clientId, here, ...params);
    });
  }

  /** The faults end; within two minutes everything must have come to rest. */
  async #becomeQuiet(): Promise<Quiet> {
    this.nodes.calm();
    this.guests.calm();
    for (const node of this.nodes.all.keys()) this.#upgrade(node, 0);
    for (const { pair, client, disk } of this.pages) {
      pair.reachable = true;
      pair.cutAt(undefined);
      disk.failNext(0);
      disk.crashAt(undefined);
      client.connect();
    }
    // A revoked topic stays refused until a client subscribes again; a page does so by listening again.
    for (const pages of this.pages) {
      for (const topic of Array.from(pages.subscriptions)) {
        const { key } = this.places[topic]!;
        if (pages.topic(this.places[topic]!).state.status !== "refused" || key === OWN_SESSION) continue;
        pages.unsubscribe(topic);
        pages.subscribe(topic);
      }
    }
    const { clock, nodes, pages, places, guests } = this;
    return quietOf({ clock, nodes, pages, places, guests, consumption: nodes.consumption });
  }
}
