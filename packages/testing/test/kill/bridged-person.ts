// Somebody who has a Phoenix client and no update functions: the reference client of the bridge, over real sockets to whichever
// process lives. What they do and see is recorded as that of Calla's own clients.
import { Socket } from "phoenix";
import { WebSocket } from "ws";
import type { TargetKey } from "@calla/shared";
import { SyncedTopic } from "../../../../examples/phoenix-board/client/synced-topic.ts";
import type { Identity, Message, Outcome } from "../../../../examples/phoenix-board/client/synced-types.ts";
import { seededRandom } from "../../src/index.ts";
import type { HistoryEvent, SeededRandom, SimulatedAction, Told } from "../../src/index.ts";
import { setup } from "../wiring.ts";

/** More undecided than this, and a user waits. */
const AT_ONCE = 24;
const SOON = 5;

export interface BridgedPersonOptions {
  /** Their place among all clients of the round. */
  readonly index: number;
  readonly user: string;
  readonly seed: number;
  /** Where the server lives now, without its path. */
  readonly origin: () => string;
  readonly pads: readonly string[];
  readonly record: (event: HistoryEvent) => void;
}

export class BridgedPerson {
  readonly topics: readonly { readonly id: TargetKey; readonly synced: SyncedTopic<unknown> }[];
  #untold = 0;
  readonly #options: BridgedPersonOptions;
  readonly #random: SeededRandom;
  readonly #socket: Socket;
  readonly #actions: readonly SimulatedAction[];

  constructor(options: BridgedPersonOptions) {
    const { user, seed, origin, pads } = options;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#actions = setup.actions.filter(
      ({ by, slice, params }) =>
        by === "client" && slice.kind === "topic" && params.every((id) => pads.includes(id)),
    );
    const identity: Identity = {};
    this.#socket = new Socket("ws://server/socket", {
      // Another life listens at another port.
      transport: class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(url.replace("ws://server", origin()), protocols);
        }
      },
      params: () => ({ ...identity, token: user }),
      reconnectAfterMs: () => SOON,
      rejoinAfterMs: () => SOON,
    });
    this.topics = pads.map((id) => ({
      id: `pad:${id}` as TargetKey,
      synced: new SyncedTopic(this.#socket, identity, `pad:${id}`, () => undefined),
    }));
    this.#socket.connect();
  }

  /** Does something, unless much is undecided or nothing is seen yet. */
  act(): void {
    const { index: client, user, record } = this.#options;
    const action = this.#random.pick(this.#actions);
    const { id: target, synced } = this.topics.find(({ id }) => id === `pad:${action.params[0]}`)!;
    if (this.#untold >= AT_ONCE || synced.visible === undefined) return;
    const made = action.message(this.#random, synced.visible);
    const messages = (Array.isArray(made) ? made : [made]) as Message[];
    const decided = synced.dispatch(messages, () => []);
    const { id } = synced.pending.at(-1)!;
    record({ type: "dispatched", client, page: 0, target, id, userId: user });
    this.#untold++;
    void decided.then((outcome) => {
      this.#untold--;
      record({ type: "told", client, page: 0, target, id, told: toldBy(outcome, messages) });
    });
  }

  /** What is not at rest, or undefined. */
  get restless(): string | undefined {
    const name = `client ${this.#options.index}, of Phoenix,`;
    if (this.#untold > 0) return `${name} has ${this.#untold} dispatches whose callers wait`;
    for (const { id, synced } of this.topics)
      if (synced.status !== "joined" || synced.pending.length > 0)
        return `${name} is ${synced.status} at ${id} (${synced.code}) with ${synced.pending.length} pending`;
    return undefined;
  }

  close(): void {
    this.#socket.disconnect();
  }
}

function toldBy(outcome: Outcome, messages: readonly Message[]): Told {
  if (outcome.status === "ok")
    return { is: "applied", sequence: outcome.sequence, messages: outcome.messages ?? messages };
  if (outcome.status === "error") return { is: "rejected", code: outcome.code };
  return { is: "ended", code: "unknown" };
}
