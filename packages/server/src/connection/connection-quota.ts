// Who is connected, counted: by address, by user, and those who have not said who they are. Not here: how much one of
// them may say (rate-limiter.ts).
import type { Limits } from "@calla/shared";
import type { Conversation } from "./conversation.ts";

/** Milliseconds over which those who were turned away are to spread their return. */
export const SPREAD = 10_000;

/** Who must go, by which limit. */
interface Leaving {
  readonly who: Conversation;
  readonly code: "too-many-connections" | "busy";
  readonly limit: keyof Limits;
}

/** How many there are of each. */
export class CountByKey {
  readonly #counts = new Map<string, number>();

  /** Gives how many there are now. */
  add(key: string, by: 1 | -1): number {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
    return count;
  }
}

export class ConnectionQuota {
  readonly #limits: Limits;
  readonly #byAddress: CountByKey;
  readonly #byUser = new CountByKey();
  /** Of those that are counted by user. */
  readonly #users = new Map<Conversation, string>();
  /** Without a Hello yet, the oldest first. */
  readonly #silent = new Set<Conversation>();
  /** With a Hello that is not answered yet. */
  readonly #greeting = new Set<Conversation>();

  /** `byAddress` also counts who is not of the sync half. */
  constructor(limits: Limits, byAddress: CountByKey) {
    this.#limits = limits;
    this.#byAddress = byAddress;
  }

  /** Without an answer to their Hello. */
  get pending(): number {
    return this.#silent.size + this.#greeting.size;
  }

  /** Somebody new is there. Gives who must go, and why: itself, or one that has said nothing for longer. */
  arrived(conversation: Conversation): Leaving | undefined {
    const { address } = conversation;
    this.#silent.add(conversation);
    if (address !== undefined && this.#byAddress.add(address, 1) > this.#limits.maxConnectionsPerAddress)
      return { who: conversation, code: "too-many-connections", limit: "maxConnectionsPerAddress" };
    if (this.pending <= this.#limits.maxPendingHellos) return undefined;
    // A visitor says Hello at once; who holds a place without a word, makes room.
    const [oldest = conversation] = this.#silent;
    return { who: oldest, code: "busy", limit: "maxPendingHellos" };
  }

  /** It has said Hello. */
  greeting(conversation: Conversation): void {
    this.#silent.delete(conversation);
    this.#greeting.add(conversation);
  }

  /** Its Hello was answered, or it is gone. */
  greeted(conversation: Conversation): void {
    this.#silent.delete(conversation);
    this.#greeting.delete(conversation);
  }

  /** Whose it is. False: that user has too many connections. */
  identified(conversation: Conversation, userId: string | null): boolean {
    if (userId === null) return true;
    this.#users.set(conversation, userId);
    return this.#byUser.add(userId, 1) <= this.#limits.maxConnectionsPerUser;
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    this.greeted(conversation);
    const { address } = conversation;
    if (address !== undefined) this.#byAddress.add(address, -1);
    const userId = this.#users.get(conversation);
    if (userId === undefined) return;
    this.#users.delete(conversation);
    this.#byUser.add(userId, -1);
  }
}
