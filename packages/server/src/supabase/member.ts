// One client's channel: what it asked for, who it is, what it may, and how much it has said.
import type { Cancel } from "@calla/shared";
import type { JsonObject } from "../channels/wire/message.ts";
import type { ReplayStart } from "./join-config.ts";

export class Member {
  /** As the app names it. */
  readonly topic: string;
  readonly isPrivate: boolean;
  readonly ack: boolean;
  readonly self: boolean;
  readonly replicationReady: boolean;
  readonly replay: ReplayStart | undefined;
  /** What it is listed under. */
  readonly key: string;
  /** It hears who is here. */
  hasPresence: boolean;
  /** What it is listed with. */
  tracked: JsonObject | undefined;
  token: string | undefined;
  user: unknown;
  /** undefined: it is not known yet, or not any more. */
  mayWrite: boolean | undefined;
  /** How often its rights have changed: an answer to a question of before is not taken. */
  changes = 0;
  /** When what it has said will have been paid for (token-bucket.ts). */
  paid = 0;
  /** The same of its calls of presence. */
  presencePaid = 0;
  expiry: Cancel | undefined;

  constructor(
    asked: Pick<
      Member,
      "topic" | "isPrivate" | "ack" | "self" | "replicationReady" | "replay" | "key" | "hasPresence"
    >,
    who: Pick<Member, "token" | "user">,
  ) {
    this.topic = asked.topic;
    this.isPrivate = asked.isPrivate;
    this.ack = asked.ack;
    this.self = asked.self;
    this.replicationReady = asked.replicationReady;
    this.replay = asked.replay;
    this.key = asked.key;
    this.hasPresence = asked.hasPresence;
    this.token = who.token;
    this.user = who.user;
  }

  /** What was known of its rights holds no more. */
  rightsChanged(): void {
    this.changes++;
    this.mayWrite = undefined;
  }
}
