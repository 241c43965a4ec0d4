// Who writes. A message says by whom it is, for the page that sends it shows it at once; but a page can say anything, so the
// server puts there what it knows: who that client has introduced itself as.
import type { ClientMessageOf, MessageOf } from "@calla/shared";
import type { board, cursors, Person } from "../shared/wiring.ts";
import { nameFor } from "./names.ts";

interface Client {
  readonly clientId: string;
  readonly user: { readonly id: string } | null;
}

/** So many are remembered; whoever was longest not heard of is looked up again. */
const MOST = 10_000;

export class Authors {
  readonly #known = new Map<string, Person>();
  readonly #personOf: (clientId: string) => Promise<Person | null>;

  /** `personOf`: as whom a client has introduced itself, read from its session. */
  constructor(personOf: (clientId: string) => Promise<Person | null>) {
    this.#personOf = personOf;
  }

  /** To be awaited before a client may reach a board: stamping is a part of the decision and cannot wait. */
  async know({ clientId, user }: Client): Promise<void> {
    if (this.#known.has(clientId)) return;
    const person = (await this.#personOf(clientId)) ?? nameFor(user?.id ?? clientId);
    // It may have introduced itself meanwhile.
    if (!this.#known.has(clientId)) this.introduced(clientId, person);
  }

  introduced(clientId: string, person: Person): void {
    this.#known.delete(clientId);
    this.#known.set(clientId, person);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
  }

  /** The same message, by its author. */
  stamped(message: ClientMessageOf<typeof board>, client: Client): MessageOf<typeof board> {
    return "by" in message ? { ...message, by: this.#person(client) } : message;
  }
  /** The same of where somebody points. */
  pointed(message: ClientMessageOf<typeof cursors>, client: Client): MessageOf<typeof cursors> {
    return { ...message, ...this.#person(client) };
  }

  #person({ clientId, user }: Client): Person {
    return this.#known.get(clientId) ?? nameFor(user?.id ?? clientId);
  }
}
