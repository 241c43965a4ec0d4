// A server of a stage, that may be killed and starts anew over what the log has.
import { createServer } from "@calla/server";
import type { AnyUser, Refused, Server } from "@calla/server";
import { faultyLog } from "@calla/server/testing";
import type { FaultyLog, LogCall, LogFault } from "@calla/server/testing";
import type { ProcessClock } from "../../src/index.ts";
import type { Reachable } from "../../src/network/link.ts";
import type { Scene } from "./scene.ts";
import { cursors, serialiser, SERVED, session } from "./wiring.ts";
import type { NoteWiring } from "./wiring.ts";

export class StageNode {
  server!: Server<NoteWiring, AnyUser>;
  log!: FaultyLog;
  readonly refused: Refused[] = [];
  readonly reachable: Reachable = {
    connect: (wired) => this.server.connect(wired),
    speak: (spoken) => this.server.speak(spoken),
  };
  readonly #scene: Scene;
  readonly #index: number;
  #clock!: ProcessClock;
  #life = 0;
  #faults: { readonly method: LogCall["method"] | "any"; readonly fault: LogFault }[] = [];

  constructor(scene: Scene, index: number) {
    this.#scene = scene;
    this.#index = index;
    this.#start();
  }

  #start(): void {
    const { clock, log, random, doorbell, options } = this.#scene;
    this.#clock = clock.process();
    this.log = faultyLog(log, {
      clock: this.#clock,
      plan: ({ method }) => {
        const at = this.#faults.findIndex((one) => one.method === "any" || one.method === method);
        return at < 0 ? undefined : this.#faults.splice(at, 1)[0]!.fault;
      },
    });
    this.server = createServer<NoteWiring, AnyUser>({
      wiring: SERVED[options.notes ?? "plain"].wiring,
      serialiser,
      log: this.log,
      pubsub: doorbell,
      clock: this.#clock,
      random: random.fork(`node ${this.#index} ${this.#life}`),
      secret: "a secret that every node of the stage knows",
      authenticate: ({ token }) => ({ id: String(token) }),
      limits: options.limits ?? {},
      strict: true,
      onError: (error) => this.#scene.record({ type: "reported", by: `node ${this.#index}`, error }),
      onRefused: (refused) => void this.refused.push(refused),
      ...(options.onTopicMessage === undefined ? {} : { onTopicMessage: options.onTopicMessage }),
      ...(options.onMessage === undefined ? {} : { onMessage: options.onMessage }),
    });
    this.server.handle(this.#scene.slice, {
      canSubscribe: () => true,
      canDispatch: ({ type }) => type !== "secret",
      ...options.handlers,
    });
    this.server.handle(session, { public: true });
    this.server.handle(cursors, { public: true });
  }

  note(id = "1") {
    this.#scene.uses(id);
    return this.server.topic(this.#scene.slice, id);
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
    for (const pair of this.#scene.pairs)
      for (const link of pair.links) {
        if (link.server !== this.reachable) continue;
        link.breakForServer();
        link.breakForClient();
      }
  }
}
