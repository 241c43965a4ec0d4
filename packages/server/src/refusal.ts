// A refusal as the app is told of it: who, where, why.
import type { TargetKey } from "@calla/shared";
import type { Conversation } from "./conversation.ts";
import type { Core } from "./core.ts";

/** `target` undefined: it concerns the connection. */
export function refused(
  core: Core,
  conversation: Conversation,
  target: TargetKey | undefined,
  code: string,
  details: unknown,
): void {
  core.refused({
    code,
    clientId: conversation.clientId === "" ? undefined : conversation.clientId,
    userId: conversation.userId,
    target,
    details,
  });
}
