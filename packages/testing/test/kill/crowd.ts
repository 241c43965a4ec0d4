// Those who use the servers that are killed: Calla's own clients, by whatever way, and some of Phoenix, who never stop until
// they are to come to rest.
import { OWN_SESSION, sameValue, sessionKey } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { HistoryEvent, Quiet, SeededRandom, Via } from "../../src/index.ts";
import { Person } from "../people.ts";
import { wayTo } from "../ways.ts";
import { BridgedPerson } from "./bridged-person.ts";

export interface CrowdOptions {
  readonly random: SeededRandom;
  /** A person of Calla's for each. */
  readonly ways: readonly Via[];
  /** How many of Phoenix there are. */
  readonly bridged: number;
  /** The host and port where a server lives now. */
  readonly origin: () => string;
  readonly pads: readonly string[];
  readonly record: (event: HistoryEvent) => void;
  /** Milliseconds between the moments in which each may do something. */
  readonly pace: number;
}

const OFTEN = 0.7;
const LOOK = 20;

export class Crowd {
  /** How many messages were held: a server that dies while it appends may die of the same one again and again by chance. */
  held = 0;
  readonly users: readonly string[];
  readonly #people: readonly Person[];
  readonly #bridged: readonly BridgedPerson[];
  readonly #busy: NodeJS.Timeout;

  constructor({ random, ways, bridged, origin, pads, record, pace }: CrowdOptions) {
    this.users = Array.from({ length: ways.length + bridged }, (_, index) => `user ${index}`);
    const of = (index: number) => {
      return { index, user: this.users[index]!, seed: random.int(1, 1_000_000), pads, record };
    };
    this.#people = ways.map(
      (via, index) =>
        new Person({ ...of(index), transport: wayTo(via, origin), onHeld: () => void this.held++ }),
    );
    this.#bridged = Array.from(
      { length: bridged },
      (_, index) => new BridgedPerson({ ...of(ways.length + index), origin: () => `ws://${origin()}` }),
    );
    this.#busy = setInterval(() => {
      for (const person of [...this.#people, ...this.#bridged]) if (random.chance(OFTEN)) person.act();
    }, pace);
  }

  /** Whose sessions the log has, as far as is known. */
  get sessions(): readonly TargetKey[] {
    return this.#people.flatMap(({ client: { clientId } }) =>
      clientId === undefined ? [] : sessionKey(clientId),
    );
  }

  /** From now on nobody does anything new. */
  calm(): void {
    clearInterval(this.#busy);
  }

  /** Resolves, with why there is none, or once there is rest. */
  async rest(longest: number): Promise<string | undefined> {
    const until = performance.now() + longest;
    for (;;) {
      const problem =
        [...this.#people, ...this.#bridged]
          .map((person) => person.restless)
          .find((one) => one !== undefined) ?? this.#apart();
      if (problem === undefined || performance.now() > until) return problem;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  /** What everybody shows. */
  get shown(): Quiet["clients"] {
    const own: Quiet["clients"] = this.#people.flatMap(({ topics }, client) =>
      topics.map(({ id, state: { status, model, pending } }) => {
        return { client, page: 0, target: id, status, model, pending: pending.length };
      }),
    );
    const others: Quiet["clients"] = this.#bridged.flatMap(({ topics }, index) =>
      topics.map(({ id: target, synced: { confirmed: model, pending, status } }) => {
        const who = { client: this.#people.length + index, page: 0, target };
        return { ...who, status: status === "joined" ? "live" : status, model, pending: pending.length };
      }),
    );
    return [...own, ...others];
  }

  async leave(): Promise<void> {
    this.calm();
    for (const one of this.#bridged) one.close();
    for (const { client } of this.#people) await client.close();
  }

  /** Whoever is live may have an update under way to it: rest is when all show the same. */
  #apart(): string | undefined {
    const shown = new Map<TargetKey, unknown>();
    for (const { id, synced } of this.#bridged.flatMap(({ topics }) => topics)) {
      if (!shown.has(id)) shown.set(id, synced.visible);
      else if (!sameValue(shown.get(id), synced.visible)) return `${id} is not the same for all of Phoenix`;
    }
    for (const { id, state } of this.#people.flatMap(({ topics }) => topics)) {
      if (!shown.has(id)) shown.set(id, state.model);
      else if (id !== OWN_SESSION && !sameValue(shown.get(id), state.model))
        return `${id} is not the same for all`;
    }
    return undefined;
  }
}
