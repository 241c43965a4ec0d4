// A visitor that takes all it can get and keeps no rules: it floods a node with frames, holds many topics open, leaves
// and returns as a new client. What it sends changes no model, so it matters to a run's history only through the
// others, whose writes must go on.
import { PROTOCOL_VERSION } from "@calla/shared";
import type { ClientFrame, TargetKey, Wiring } from "@calla/shared";
import type { AnyUser, Incoming, Server } from "@calla/server";
import type { VirtualClock } from "../doubles/clock.ts";
import type { SeededRandom } from "../doubles/random.ts";

export interface Greed {
  /** Whichever process it is at the moment. */
  readonly server: () => Pick<Server<Wiring, AnyUser>, "connect" | "serialiser"> & {
    readonly wiring: Wiring;
  };
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  /** A topic's name begun. */
  readonly topics: string;
  /** Topics that others use. */
  readonly others: readonly TargetKey[];
  readonly count: (what: string) => void;
}

export interface Appetite {
  readonly connections: number;
  /** Of each packet. */
  readonly frames: number;
  /** How long he stays, all in all. */
  readonly for: number;
}

/** Milliseconds after which each of his connections ends and another one begins. */
const PATIENCE = 40;

/** Sets it going; it ends by itself. */
export function greedy(greed: Greed, { connections, frames, for: time }: Appetite): void {
  const end = greed.clock.now() + time;
  for (let i = 0; i < connections; i++) visit(greed, frames, end);
}

function visit(greed: Greed, frames: number, end: number): void {
  const { clock, random, count } = greed;
  const server = greed.server();
  let incoming: Incoming | undefined;
  let open = true;
  const say = (...said: ClientFrame[]): void => incoming?.incoming(JSON.stringify(said));
  const leave = (): void => {
    if (!open) return;
    open = false;
    incoming?.disconnect();
    if (clock.now() < end) visit(greed, frames, end);
  };
  incoming = server.connect({
    connection: {
      send({ bytes }) {
        const heard = new TextDecoder().decode(bytes);
        if (heard.includes('"Connected"')) clock.setTimeout(() => open && say(...packet(greed, frames)), 1);
        for (const what of ["rate", "busy"]) if (heard.includes(`"${what}"`)) count(`greedy: ${what}`);
      },
      close: () => void clock.setTimeout(leave, 1),
      bufferedAmount: () => 0,
    },
    request: { url: "/greedy", headers: {}, remoteAddress: undefined },
    format: server.serialiser.formats.find(({ binary }) => !binary)?.name ?? "json",
  });
  say({
    type: "Hello",
    protocol: PROTOCOL_VERSION,
    slices: server.wiring.versions(),
    targets: [],
    token: "greedy",
  });
  clock.setTimeout(leave, random.int(1, PATIENCE));
}

/** Mids that he gives up at once: they are decided and remembered, and change nothing. */
function packet({ random, topics, others }: Greed, frames: number): ClientFrame[] {
  const used = new Map<TargetKey, number>();
  return Array.from({ length: frames }, (_, i): ClientFrame => {
    const target = random.chance(0.3) ? random.pick(others) : `${topics}${random.int(1, 200)}`;
    if (random.chance(0.3)) return { type: "Subscribe", target, ref: i + 1, settled: 0, sent: 0 };
    const mid = (used.get(target) ?? 0) + 1;
    used.set(target, mid);
    return { type: "TopicMessage", target, mid, id: `greedy-${i}`, settled: mid - 1, messages: [] };
  });
}
