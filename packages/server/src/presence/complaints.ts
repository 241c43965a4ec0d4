// What an operator must know of other nodes, told once a minute for each kind: a node that talks nonsense does so often.
import { CallaError } from "@calla/shared";
import type { SteadyClock } from "@calla/shared";
import type { Report } from "../base/contain.ts";

const SENTENCES = {
  malformed:
    "Something on the pubsub channel of presence is no message of presence, and is ignored. Use the channel for nothing else.",
  version:
    "Another node speaks another version of presence, and is not listed here. Bring all nodes to one version of Calla.",
  name: "Another node began later under this node's name, so the members of this one are listed nowhere else. Give each node a name of its own, or none.",
  nodes:
    "There are more nodes than presence keeps (maxNodes); the others' members are not listed here. Raise the limit.",
  entries:
    "The other nodes have more members than presence keeps (maxEntries); the rest is not listed here. Raise the limit.",
} as const;

export class Complaints {
  readonly #clock: SteadyClock;
  readonly #report: Report;
  readonly #channel: string;
  readonly #told = new Map<string, number>();

  constructor(clock: SteadyClock, report: Report, channel: string) {
    this.#clock = clock;
    this.#report = report;
    this.#channel = channel;
  }

  say(what: keyof typeof SENTENCES): void {
    const now = this.#clock.monotonic();
    if (now - (this.#told.get(what) ?? -Infinity) < 60_000) return;
    this.#told.set(what, now);
    this.#report(new CallaError("protocol", { channel: this.#channel, what }, SENTENCES[what]));
  }
}
