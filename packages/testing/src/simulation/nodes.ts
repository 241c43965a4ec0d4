// The servers of a run: several over one shared log, each with its own faults, each a process that can be stopped or
// killed and started again over what the log has.
import { createServer, memoryLog } from "@calla/server";
import type { AnyUser, LogStorage, Server } from "@calla/server";
import { faultyLog } from "@calla/server/testing";
import type { FaultyLog, LogCall, LogFault } from "@calla/server/testing";
import type { TargetKey, Wiring } from "@calla/shared";
import { archivedLog } from "../history/archive.ts";
import type { ArchivedLog } from "../history/archive.ts";
import type { ProcessClock, VirtualClock } from "../doubles/clock.ts";
import { lossyPubSub } from "../doubles/doorbell.ts";
import type { LossyPubSub } from "../doubles/doorbell.ts";
import { Consumption } from "./consumption.ts";
import { Engine } from "./engine.ts";
import type { HistoryEvent } from "../history/history.ts";
import type { Reachable } from "../network/link.ts";
import { serialiserOf } from "./plan.ts";
import type { RunConfig } from "./plan.ts";
import type { SeededRandom } from "../doubles/random.ts";
import type { SimulationSetup, TestedLog } from "./setup.ts";
import { vanishingLog } from "./vanishing.ts";
import type { FoundBy } from "./vanishing.ts";

export interface Node<W extends Wiring> {
  server: Server<W, AnyUser>;
  log: FaultyLog;
  clock: ProcessClock;
  /** What the next calls of its log meet. */
  readonly faults: { matches: (call: LogCall) => boolean; fault: LogFault }[];
  /** Counts its lives. */
  life: number;
  readonly older: boolean;
}

export interface NodesOptions<W extends Wiring> {
  readonly setup: SimulationSetup<W, never>;
  readonly config: RunConfig;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly record: (event: HistoryEvent) => void;
  readonly count: (what: string) => void;
  /** A log that one server has to itself was put back. */
  readonly restored: () => void;
}

export class Nodes<W extends Wiring> {
  readonly log: ArchivedLog;
  /** The file that it is in. */
  readonly #file = vanishingLog(() => this.log);
  /** What it stands for: a database of its own, and the nodes' lines. */
  readonly engine: Engine;
  /** What one consumer of every topic, on whatever node, has been handed. */
  readonly consumption: Consumption;
  /** The log forgets what it has not stored. */
  readonly reopen: () => Promise<void>;
  readonly pubsub: LossyPubSub;
  readonly all: Node<W>[] = [];
  /** What each log, of every life of every node, was made to do. */
  readonly fired: Readonly<Record<string, number>>[] = [];
  readonly #options: NodesOptions<W>;
  readonly #reachables: Reachable[] = [];
  /** Which of them begin their next life in the older version. */
  readonly #older: boolean[];

  constructor(options: NodesOptions<W>) {
    this.#options = options;
    const { setup, config, clock, random, record, count, restored } = options;
    const shared = config.nodes > 1;
    const { retention } = config;
    const log: TestedLog = (setup.log ?? memoryLog)({ shared, retention, random: random.fork("log") });
    this.reopen = async () => log.reopen?.();
    const { rolling } = config;
    this.#older = Array.from({ length: config.nodes }, () => rolling);
    this.log = archivedLog(log, rolling ? [setup.older!.wiring, setup.wiring] : setup.wiring, {
      appended: (target, path, sequence) => {
        record({ type: "appended", target, path, sequence });
        this.#file.appended(target, sequence);
        this.engine.appended(target, sequence);
        const last = this.log.archive.get(target)?.paths[path]?.places[sequence]?.record;
        if (last?.id.startsWith("migrated-") === true) count("migrated");
      },
      refused: (target, id) => record({ type: "refused", target, id }),
      rewound: (target, from, to) => record({ type: "rewound", target, from, to }),
      conflict: () => count("conflict"),
    });
    this.engine = new Engine({
      clock,
      nodes: config.nodes,
      lose: async (lacks) => {
        await this.#file.loses(lacks);
        // A server that has a log to itself is stopped for it.
        if (!shared) restored();
      },
    });
    this.consumption = new Consumption({ archive: this.log.archive, record });
    this.pubsub = lossyPubSub({ clock, random: random.fork("doorbell"), rates: config.doorbell });
    for (let node = 0; node < config.nodes; node++) this.all.push(this.#start(node, 0));
  }

  #start(index: number, life: number): Node<W> {
    const { setup, config, random, record, count } = this.#options;
    const clock = this.#options.clock.process();
    const faults: Node<W>["faults"] = [];
    const log = faultyLog(this.engine.log(index, this.#file.opened(clock)), {
      clock,
      plan: (call) => {
        const at = faults.findIndex(({ matches }) => matches(call));
        return at < 0 ? undefined : faults.splice(at, 1)[0]!.fault;
      },
    });
    this.fired.push(log.fired);
    const older = this.#older[index]!;
    const { wiring, server: handle } = older ? setup.older! : setup;
    const server = createServer<W, AnyUser>({
      wiring: wiring as W,
      serialiser: serialiserOf(setup, config),
      log: { ...(config.bare === true ? bare(log) : log), close: async () => {} }, // the run's log outlives its servers
      pubsub: this.engine.pubsub(index, this.pubsub, clock),
      clock,
      random: random.fork(`node ${index} ${life}`),
      secret: "a secret that every node of the run knows",
      ...(config.visitors
        ? {}
        : {
            authenticate: ({ token }) => {
              const name = String(token);
              return setup.user?.(name) ?? { id: name };
            },
          }),
      limits: config.limits,
      strict: true,
      onError: (error) => record({ type: "reported", by: `node ${index}`, error }),
      onRefused: ({ code }) => count(`refused: ${code}`),
    });
    (handle as (server: Server<W, AnyUser>) => void)(server);
    // The older version reads no records of the newer one.
    if (config.engine !== undefined && !config.rolling)
      this.consumption.begin(server, clock, random.fork(`consumer ${index} ${life}`));
    return { server, log, clock, faults, life, older };
  }

  /** Takes back all that was arranged. */
  calm(): void {
    this.pubsub.rates({});
    this.engine.calm();
    this.#file.comesBack();
    this.#look();
    for (const node of this.all) {
      node.faults.length = 0;
      node.log.thaw();
    }
  }

  /** Says goodbye, ends, and starts anew. Resolves as time passes. */
  async restart(index: number, over = 0): Promise<void> {
    const node = this.all[index]!;
    await (over === 0 ? node.server.stop() : node.server.drain({ over, reconnectWithin: over }));
    if (this.all[index] === node) this.kill(index);
  }

  /** The same, and its next life is of the newer version, whatever ends this one. False: it is already. */
  upgrade(index: number, over: number): Promise<void> | false {
    if (!this.#older[index]) return false;
    this.#older[index] = false;
    return this.restart(index, over);
  }

  /** The process is gone between two instants: nothing it set going happens any more. Another one starts. */
  kill(index: number): void {
    const node = this.all[index]!;
    node.log.freeze();
    node.clock.kill();
    this.all[index] = this.#start(index, node.life + 1);
  }

  /** The node as the network sees it, whichever process it is at the moment. */
  reachable(index: number): Reachable {
    return (this.#reachables[index] ??= {
      connect: (wired) => this.all[index]!.server.connect(wired),
      speak: (spoken) => this.all[index]!.server.speak(spoken),
    });
  }

  /**
   * The log's file is moved away under its servers, and after a while it is there again, or a backup is that lacks the
   * last so many appends.
   */
  fileGoes(found: FoundBy, time: number, lacks: number | undefined): void {
    const { clock, count } = this.#options;
    const { astray } = this.#file;
    this.#file.goes(found);
    clock.setTimeout(() => {
      if (lacks === undefined) this.#file.comesBack();
      else void this.#file.isReplaced(lacks).then(() => count("the log replaced by a backup"));
      if (this.#file.astray > astray) count("a write into a file that is elsewhere");
      this.#look();
    }, time);
  }

  /** Some time later each server asks its log for something, as servers do; a first call may only find out. */
  #look(): void {
    for (const after of [1, 1_000, 2_000])
      this.#options.clock.setTimeout(() => {
        for (const { log } of this.all) log.consumers().catch(() => undefined);
      }, after);
  }

  /** A failover to a replica that lacks the last records. Nothing else reaches the log meanwhile. */
  async rewind(target: TargetKey, by: number): Promise<boolean> {
    const tip = this.log.archive.get(target)?.paths.at(-1)?.places.at(-1)?.sequence ?? 0;
    if (tip === 0) return false;
    await this.log.rewind(target, Math.max(0, tip - by));
    return true;
  }
}

/** A log without what it may leave out. */
function bare(log: LogStorage): LogStorage {
  const rest: LogStorage = {
    ...log,
    append: async (batch) =>
      (await log.append(batch)).map((result) =>
        result.status === "conflict" ? { status: "conflict" } : result,
      ),
  };
  delete rest.moved;
  return rest;
}
