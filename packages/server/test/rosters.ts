// Nodes whose slices list clients, and clients in the hand that are listed and watch: each folds what it is told into a list.
import { authorTag, defineEphemeral, definePresence, defineTopic, defineWiring } from "@calla/shared";
import type { ClientFrame, ServerFrames } from "@calla/shared";
import * as z from "zod";
import type { PubSub } from "../src/cluster/pubsub.ts";
import { localPubSub } from "../src/cluster/pubsub.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";
import {
  countingRandom,
  handClock,
  hello,
  list,
  other,
  session,
  subscribe,
  unsubscribe,
  wire,
} from "./wired.ts";
import type { Said, TestWiring } from "./wired.ts";

const seen = z.object({ name: z.string(), at: z.number().optional() });
export const board = defineTopic("board:*", {
  model: z.object({ n: z.number() }),
  initial: () => ({ n: 0 }),
  messages: { bumped: z.object({}) },
  update: { bumped: ({ n }) => ({ n: n + 1 }) },
  presence: definePresence(seen),
});
const lounge = defineEphemeral("lounge:*", {
  messages: { waved: z.object({}) },
  presence: definePresence(seen),
});
export const wiring = defineWiring({ session, topics: [list, other, board, lounge] });

const ALL = [session, list, other, board, lounge];

type Options = Parameters<typeof wire>[0];

/** So many servers over one log and one pubsub. With `users` a token is a user's id. */
export function rosters(
  options: Options & {
    readonly nodes?: number;
    readonly users?: boolean;
    readonly handlers?: object;
    readonly slices?: readonly object[];
  } = {},
) {
  const {
    nodes: many = 1,
    users = false,
    handlers = {},
    slices = ALL,
    pubsub = localPubSub(),
    ...more
  } = options;
  const hand = handClock(1_700_000_000_000);
  const log = memoryLog({ shared: true });
  const start = (seed: number, line: PubSub = pubsub, own: Options = {}) => {
    const node = wire(
      {
        wiring: wiring as unknown as TestWiring,
        log,
        pubsub: line,
        random: countingRandom(seed),
        ...(users ? { authenticate: ({ token }: { token: unknown }) => ({ id: String(token) }) } : {}),
        ...more,
        ...own,
      },
      hand,
    );
    for (const slice of slices) node.server.handle(slice as never, { public: true, ...handlers } as never);
    return node;
  };
  const nodes = Array.from({ length: many }, (_, n) => start(n * 7 + 1));
  return { ...hand, hand, log, pubsub, start, nodes, node: nodes[0]! };
}

export type Node = ReturnType<typeof rosters>["node"];

export const track = (target: string, meta?: unknown, watch = false, more: object = {}): ClientFrame => ({
  type: "Track",
  target,
  ...(meta === undefined ? {} : { meta }),
  watch,
  ...more,
});

/** `whole`: in place of what was known. */
type Told = ServerFrames["Presence"] & { readonly whole: boolean };

/** A client of one node; it counts its connections as Calla's own does. */
export class Guest {
  static #attempts = 1_700_000_000_000;
  readonly #page: number;
  #node!: Node;
  #its!: Awaited<ReturnType<Node["client"]>>;
  readonly #token: string | undefined;
  /** What it was told, but for presence that it folds. */
  said: Said[] = [];
  /** Presence frames since `heard` was called last. */
  told: Told[] = [];
  /** By topic: what the last frame led to. */
  readonly #at = new Map<string, number>();
  /** By topic: key and meta by tag; a number: so many are there. */
  readonly lists = new Map<string, Map<number, readonly [string, unknown]> | number>();

  private constructor(page: number, token: string | undefined) {
    this.#page = page;
    this.#token = token;
  }

  static async at(node: Node, token?: string): Promise<Guest> {
    const guest = new Guest(Guest.#attempts++, token);
    await guest.connect(node);
    return guest;
  }

  /** Says Hello to a node, with who it is. `attempt`: in place of the next. */
  async connect(node: Node, attempt: number = Guest.#attempts++): Promise<void> {
    const identity = this.#its?.identity;
    this.#node = node;
    const its = node.socket();
    its.say(
      hello({
        slices: wiring.versions(),
        attempt: [this.#page, attempt],
        ...(identity && { identity }),
        ...(this.#token === undefined ? {} : { token: this.#token }),
      }),
    );
    const [connected] = await its.heard();
    if (connected?.type !== "Connected") throw new Error(`no Connected but ${JSON.stringify(connected)}`);
    const { clientId, secret = identity?.secret ?? "" } = connected;
    this.#its = { ...its, identity: { clientId, secret }, connected };
    this.lists.clear();
  }

  get id(): string {
    return this.#its.identity.clientId;
  }
  get identity() {
    return this.#its.identity;
  }
  get socket() {
    return this.#its;
  }
  tag(target: string): number {
    return authorTag(this.id, target);
  }
  say(...frames: ClientFrame[]): void {
    this.#its.say(...frames);
  }
  /** Subscribes, is listed by this name (undefined: is not) and watches. */
  async enter(target: string, name?: string, watch = true, ref = 1): Promise<this> {
    this.say(subscribe(target, ref), track(target, name === undefined ? undefined : { name }, watch));
    await this.hear();
    return this;
  }
  leave(target: string, ref = 1): void {
    this.say(unsubscribe(target, ref));
  }
  drop(code?: number): void {
    this.#its.drop(code);
  }
  /** Takes what came. */
  async hear(): Promise<Told[]> {
    for (const frame of await this.#its.heard()) {
      if (frame.type !== "Presence") this.said.push(frame);
      else this.#fold(frame);
    }
    const told = this.told;
    this.told = [];
    return told;
  }
  #fold(frame: ServerFrames["Presence"]): void {
    const { target, after, at, joins, leaves, count } = frame;
    const whole = after === undefined;
    this.told.push({ ...frame, whole });
    if (!whole && after !== this.#at.get(target)) throw new Error("it continues what was never told");
    this.#at.set(target, at);
    if (count !== undefined) return void this.lists.set(target, count);
    const known = this.lists.get(target);
    if (!(known instanceof Map) && !whole) throw new Error("a change of what was never told");
    const members = known instanceof Map && !whole ? known : new Map<number, readonly [string, unknown]>();
    for (const tag of leaves) if (!members.delete(tag)) throw new Error("who left was not there");
    for (const [tag, key, meta] of joins) members.set(tag, [key, meta]);
    this.lists.set(target, members);
  }
  /** Names of who is here, sorted; undefined: it does not know. */
  async sees(target: string): Promise<readonly string[] | number | undefined> {
    await this.hear();
    const known = this.lists.get(target);
    if (!(known instanceof Map)) return known;
    return Array.from(known.values(), ([, meta]) => (meta as { name: string }).name).toSorted();
  }
  keys(target: string): readonly string[] {
    const known = this.lists.get(target);
    return known instanceof Map ? Array.from(known.values(), ([key]) => key) : [];
  }
  /** Codes of refused metas, since this was asked last. */
  async untracked(): Promise<string[]> {
    await this.hear();
    const codes = this.said.flatMap((frame) => (frame.type === "Untracked" ? [frame.code] : []));
    this.said = [];
    return codes;
  }
  get node(): Node {
    return this.#node;
  }
}
