// The guests of a run: their pages, one after another, at one topic each, and what is recorded of them. Not here: what a
// guest is made of (a setup says that), when it does something (guest-plan.ts), what its history must be (check-guests.ts).
import type { AnyUser, Server } from "@calla/server";
import type { TargetKey, Wiring } from "@calla/shared";
import type { VirtualClock } from "../doubles/clock.ts";
import { seededRandom } from "../doubles/random.ts";
import type { SeededRandom } from "../doubles/random.ts";
import type { HistoryEvent, Quiet } from "../history/history.ts";
import type { GuestConfig, GuestStep } from "./guest-plan.ts";
import type { Nodes } from "./nodes.ts";
import { placeOf } from "./pages.ts";
import type { RunConfig } from "./plan.ts";
import type { Guest, SimulationSetup } from "./setup.ts";

export interface GuestsOptions<W extends Wiring> {
  readonly setup: SimulationSetup<W, never>;
  readonly config: RunConfig;
  readonly nodes: Nodes<W>;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly record: (event: HistoryEvent) => void;
  readonly count: (what: string) => void;
}

/** One guest, with the page it has now. */
interface Present {
  readonly config: GuestConfig;
  readonly target: TargetKey;
  node: number;
  reachable: boolean;
  /** A client in the history of its own: it has the outbox and the identity of no earlier page. */
  client: number;
  clientId: string | undefined;
  page: Guest;
}

export class Guests<W extends Wiring> {
  readonly #options: GuestsOptions<W>;
  readonly #all: Present[] = [];
  #clients: number;

  constructor(options: GuestsOptions<W>) {
    this.#options = options;
    const { config, setup } = options;
    this.#clients = config.clients.length;
    for (const guest of config.guests ?? []) {
      const { slice, params } = setup.guests!.at[guest.place]!;
      const { node } = guest;
      const { key: target } = placeOf(slice, params);
      const one = { config: guest, target, node, reachable: true, client: 0, clientId: undefined };
      const present = one as Omit<Present, "page"> as Present;
      this.#open(present);
      this.#all.push(present);
    }
  }

  #open(present: Present): void {
    const { setup, nodes, clock, random, record, count, config } = this.#options;
    const { slice, params } = setup.guests!.at[present.config.place]!;
    const { target } = present;
    const client = this.#clients++;
    const ofPage = { client, page: 0 };
    const own = random.fork(client);
    const latency = own.fork("latency");
    present.client = client;
    present.clientId = undefined;
    present.page = setup.guests!.open({
      clock,
      random: own,
      user: present.config.user,
      slice,
      params,
      target,
      server: () =>
        present.reachable
          ? (nodes.all[present.node]!.server as unknown as Server<Wiring, AnyUser>)
          : undefined,
      latency: () => latency.int(...config.latency),
      named: (clientId) => {
        if (present.clientId !== undefined && present.clientId !== clientId) count("guest: another identity");
        if (present.client === client) present.clientId = clientId;
        record({ type: "named", ...ofPage, clientId });
      },
      told: (id, told) => {
        count(`guest: ${told.is}${told.is === "applied" ? "" : ` (${told.code})`}`);
        record({ type: "told", ...ofPage, target, id, told });
      },
      seen: (seen) => record({ type: "seen", ...ofPage, target, ...seen }),
    });
  }

  /** False: there was nothing to do it to. */
  carryOut(step: GuestStep): boolean | void {
    const present = this.#all[step.guest];
    if (present === undefined) return false;
    const { page } = present;
    switch (step.do) {
      case "guest-acts":
        return this.#act(present, step);
      case "guest-cut":
        return page.cut(step.loses);
      case "guest-moves":
        present.node = step.node;
        return page.cut("both");
      case "guest-away":
        present.reachable = false;
        page.cut("both");
        return void this.#options.clock.setTimeout(() => (present.reachable = true), step.for);
      case "guest-reloads":
        return this.#reload(present);
      case "guest-revoked":
        return this.#revoke(present);
      default:
        step satisfies never;
    }
  }

  #act({ page, target, client, config }: Present, step: Extract<GuestStep, { do: "guest-acts" }>): boolean {
    if (page.status === "closed") return false;
    const { setup, record } = this.#options;
    const random = seededRandom(step.seed);
    for (let i = 0; i < step.count; i++) {
      const message = setup.actions[step.action]!.message(random, page.model);
      const id = page.dispatch(Array.isArray(message) ? message : [message]);
      record({ type: "dispatched", client, page: 0, target, id, userId: config.user });
    }
    return true;
  }

  #reload(present: Present): void {
    present.page.end();
    this.#options.record({ type: "ended", client: present.client, page: 0 });
    this.#open(present);
  }

  #revoke({ clientId, config }: Present): boolean {
    const { nodes, setup } = this.#options;
    const { slice, params } = setup.guests!.at[config.place]!;
    if (clientId === undefined) return false;
    return nodes.all.some(({ server }) =>
      (
        server.unsubscribe as unknown as (
          clientId: string,
          slice: unknown,
          ...params: readonly string[]
        ) => boolean
      )(clientId, slice, ...params),
    );
  }

  /** The process at that node is gone. */
  killed(node: number): void {
    for (const present of this.#all) if (present.node === node) present.page.cut("both");
  }

  /** Nothing happens to them any more; who was sent away comes again. */
  calm(): void {
    for (const present of this.#all) {
      present.reachable = true;
      if (present.page.status === "closed") this.#reload(present);
    }
  }

  /** Who is not at rest, or undefined. */
  restless(): string | undefined {
    for (const { page, target, client } of this.#all) {
      const name = `guest ${client}'s ${target}`;
      if (page.status === "closed") this.calm();
      if (page.status !== "live") return `${name} is ${page.status}`;
      if (page.pending > 0) return `${name} has ${page.pending} pending`;
    }
    return undefined;
  }

  get shown(): NonNullable<Quiet["guests"]> {
    return this.#all.map(({ client, target, page: { status, model, pending } }) => ({
      client,
      page: 0,
      target,
      status,
      model,
      pending,
    }));
  }

  /** The run is over. */
  end(): void {
    for (const { page } of this.#all) page.end();
  }
}
