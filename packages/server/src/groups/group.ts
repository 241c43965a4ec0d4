// The topics of one group. Both kinds may have a topic of one name: they are two topics, and each hears its own.
import type { AnyTopicSlice } from "@calla/shared";

/** A topic of the sync half, and what pushes to it. */
export interface SyncTopic {
  readonly slice: AnyTopicSlice;
  readonly id: string;
  push(message: unknown): void;
  pushFrom(clientId: string, message: unknown): void;
}

export class Group {
  readonly channels = new Members<string>();
  readonly sync = new Members<SyncTopic>();

  get size(): number {
    return this.channels.size + this.sync.size;
  }
}

/** Topics by their texts. A list is made when it is asked for, and never changes: a broadcast walks that of its call (GR7). */
class Members<Topic> {
  readonly #all = new Map<string, Topic>();
  #list: readonly Topic[] | undefined;

  get size(): number {
    return this.#all.size;
  }
  get list(): readonly Topic[] {
    return (this.#list ??= Object.freeze([...this.#all.values()]));
  }
  has(id: string): boolean {
    return this.#all.has(id);
  }
  add(id: string, topic: Topic): void {
    this.#all.set(id, topic);
    this.#list = undefined;
  }
  /** False: it was not there. */
  delete(id: string): boolean {
    if (!this.#all.delete(id)) return false;
    this.#list = undefined;
    return true;
  }
}
