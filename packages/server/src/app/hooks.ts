// The app's hooks that observe messages: several of each kind, given at the start or registered later. What they throw
// is reported and changes nothing. Not here: hooks whose answer decides something, and a slice's own (handlers.ts).
import { deepFreeze } from "@calla/shared";
import type { ClientFrames, Serialiser, TargetKey } from "@calla/shared";
import { contain } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";
import type { AnyUser, Who } from "./handlers.ts";

/** Undo of a registration. Calling it again does nothing. */
export type Unhook = () => void;

/** Of a message that has come in: who sent it, and for what. */
export interface IncomingMessage<User extends AnyUser = AnyUser> extends Who<User> {
  /** The topic as the client named it, whether there is one of that name or not; "@": the client's own session. */
  readonly topic: TargetKey;
  /** The dispatch's own name: the same when it is sent again, and of all messages of one dispatch. */
  readonly id: string;
}

/** Of a message that was applied to a session. */
export interface SessionMessage<Model, User extends AnyUser = AnyUser> {
  /** Whose session it is. */
  readonly clientId: string;
  /** Its user as known here: of the author, or of the client connected now. */
  readonly user: User | null;
  /** Who dispatched it: that client, or null: the server itself. */
  readonly author: Who<User> | null;
  /** The model after it. */
  readonly model: Model;
  readonly sequence: number;
}

/** Of a message that was applied to a topic. */
export interface TopicMessage<User extends AnyUser = AnyUser> {
  readonly topic: TargetKey;
  /** Who dispatched it: a client, or null: the server itself. */
  readonly author: Who<User> | null;
  /** The model after it. */
  readonly model: unknown;
  readonly sequence: number;
}

/** One kind of hook. The list is replaced, never changed: a round calls the hooks that were there when it began. */
export class HookList<Message, About> {
  #all: readonly { readonly hook: (message: Message, about: About) => unknown }[] = [];

  get any(): boolean {
    return this.#all.length > 0;
  }
  add(hook: ((message: Message, about: About) => unknown) | undefined): Unhook {
    if (hook === undefined) return () => {};
    const one = { hook };
    this.#all = [...this.#all, one];
    return () => void (this.#all = this.#all.filter((other) => other !== one));
  }
  tell(report: Report, message: Message, about: About): void {
    for (const { hook } of this.#all) contain(report, () => hook(message, about));
  }
}

/** What a client's frame says, to the hooks that hear it: a copy of their own, so that nothing they do reaches the topic. */
export function hear(
  hooks: HookList<unknown, IncomingMessage>,
  { serialiser, report }: { readonly serialiser: Serialiser; readonly report: Report },
  { clientId, user }: Who,
  frame: ClientFrames["TopicMessage"],
  messages: readonly unknown[],
): void {
  const about = { clientId, user, topic: frame.target, id: frame.id };
  for (const message of messages) {
    // undefined: it could not be decoded.
    if (message === null || message === undefined) continue;
    let copy: unknown;
    try {
      copy = deepFreeze(serialiser.normaliseMessage(message));
    } catch {
      continue; // nothing that a wire carries
    }
    hooks.tell(report, copy, about);
  }
}
