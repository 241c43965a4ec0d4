// What the hub says to the server that stands above it, and so to the app (onConnect, onDisconnect, onMessage). Hooks
// observe: what they throw is reported and changes nothing. Not here: calling the app (server.ts).
import type { Message } from "@calla/shared";
import type { Conversation } from "../connection/conversation.ts";
import type { LogRecord } from "../log/log.ts";
import type { LiveTarget } from "../target/live-target.ts";

export interface HubHooks {
  /** A client was let in. `fresh`: it was never seen before. */
  connected(conversation: Conversation, fresh: boolean): void;
  disconnected(conversation: Conversation): void;
  /** A message was applied here. `author` undefined: the server. */
  accepted(
    live: LiveTarget,
    author: Conversation | undefined,
    message: Message,
    record: LogRecord,
    model: unknown,
  ): void;
}
