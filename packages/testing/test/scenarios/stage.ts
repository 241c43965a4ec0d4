// A stage for one scenario: servers, clients and one clock, with every packet in the test's hand. What happens is
// recorded, and `rest` ends each scenario with quiet, the history's rules, and a look at what everybody has.
import { LogFaultError } from "@calla/server/testing";
import { CallaError, sameValue } from "@calla/shared";
import { expect } from "vitest";
import { checkHistory } from "../../src/index.ts";
import { lanesOf } from "../../src/network/pair.ts";
import { quietOf } from "../../src/simulation/quiet.ts";
import type { World } from "../../src/simulation/world.ts";
import { POLL_INTERVAL, VIA } from "../tested-via.ts";
import { Actor } from "./actor.ts";
import type { ActorOptions } from "./actor.ts";
import { Scene } from "./scene.ts";
import type { StageOptions } from "./scene.ts";
import { StageNode } from "./stage-node.ts";
import { keyOf, note } from "./wiring.ts";
import type { Note, NoteWiring } from "./wiring.ts";

export class Stage extends Scene {
  readonly nodes: StageNode[] = [];
  readonly actors: Actor[] = [];

  constructor(options: StageOptions = {}) {
    super(options);
    for (let index = 0; index < (options.nodes ?? 1); index++) this.nodes.push(new StageNode(this, index));
  }

  get node(): StageNode {
    return this.nodes[0]!;
  }

  /** A client, connected and caught up unless it cannot be. */
  async actor(name: string, options: ActorOptions = {}): Promise<Actor> {
    const server = this.nodes[options.node ?? 0]!.reachable;
    const actor = new Actor(this, server, this.actors.length, name, options);
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
      for (const pair of this.pairs) await pair.flush();
    } while (
      this.pairs.some((pair) =>
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
      for (const pair of this.pairs) {
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
  /** The same with their authors and ids. */
  records(id = "1") {
    const places = this.log.archive.get(keyOf(id))?.paths.at(-1)?.places ?? [];
    return places.flatMap(({ record }) => record ?? []);
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
      for (const pair of this.pairs) for (const link of pair.links) link.toServer.deliver();
      for (const pair of this.pairs)
        for (const link of pair.links) for (const lane of lanesOf(link).slice(1)) lane.deliver();
      this.clock.setTimeout(pump, 200);
    };
    pump();
    // The kit's own quiet: it looks at what it needs of a world, and this is all of it.
    const { clock, nodes, actors, places, log } = this;
    const quiet = await quietOf<NoteWiring>({
      clock,
      nodes: { all: nodes, log, reopen: this.reopen } as unknown as World<NoteWiring>["nodes"],
      pages: actors as unknown as World<NoteWiring>["pages"],
      places: places as unknown as World<NoteWiring>["places"],
      // Its Phoenix clients are looked at by themselves (bridged-actor.ts).
      guests: { restless: () => undefined, shown: [] },
      consumption: { restless: undefined },
    });
    resting = false;
    const { events } = this;
    expect(
      checkHistory({ events, archive: log.archive, quiet, users: actors.map(({ user }) => user) }),
    ).toEqual([]);
    for (const actor of actors) {
      for (const id of actor.notes) {
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
