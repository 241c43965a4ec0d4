// What the servers and clients of a stage share: one clock, one log, one doorbell, and the history of what happens.
import { memoryLog } from "@calla/server";
import type { AnyUser, Handlers } from "@calla/server";
import type { Limits } from "@calla/shared";
import { archivedLog, lossyPubSub, seededRandom, virtualClock } from "../../src/index.ts";
import type { ConnectionPair, HistoryEvent, VirtualClock } from "../../src/index.ts";
import type { TestedLog } from "../../src/simulation/setup.ts";
import { testedLog } from "../tested-log.ts";
import { keyOf, SERVED, wiring } from "./wiring.ts";
import type { note } from "./wiring.ts";

export interface StageOptions {
  readonly nodes?: number;
  readonly retention?: number;
  readonly limits?: Partial<Limits>;
  /** Of notes; what is not given is allowed. */
  readonly handlers?: Omit<Handlers<typeof note, AnyUser>, "public">;
  /** Which notes the servers have. Default: the clients' own. */
  readonly notes?: keyof typeof SERVED;
  /** Whether nodes hear each other's doorbells. Default: yes. */
  readonly doorbell?: boolean;
  readonly onTopicMessage?: () => void;
  readonly onMessage?: () => void;
}

export class Scene {
  readonly clock: VirtualClock = virtualClock();
  readonly random = seededRandom(7);
  readonly events: HistoryEvent[] = [];
  readonly log;
  readonly doorbell;
  readonly options: StageOptions;
  /** The slice that the servers' wiring has. */
  readonly slice: typeof note;
  /** The networks of all clients. */
  readonly pairs: ConnectionPair[] = [];
  /** The log's process is gone, and another one comes. */
  readonly reopen: () => Promise<void>;
  readonly #notes = new Set(["1"]);

  constructor(options: StageOptions) {
    this.options = options;
    this.slice = SERVED[options.notes ?? "plain"].note;
    const { nodes = 1, retention = 1_000, doorbell = true } = options;
    const log: TestedLog = (testedLog ?? memoryLog)({
      shared: nodes > 1,
      retention,
      random: this.random.fork("log"),
    });
    this.reopen = async () => log.reopen?.();
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
  }

  record(event: HistoryEvent): void {
    this.events.push(event);
  }
  /** So that this note is looked at when all rests. */
  uses(id: string): void {
    this.#notes.add(id);
  }
  get places() {
    return [...this.#notes].map((id) => ({ slice: this.slice, params: [id], key: keyOf(id) }));
  }
}
