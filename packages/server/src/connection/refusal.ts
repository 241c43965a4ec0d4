// A refusal as the app is told of it: who, where, why.
import type { RefusedCode, TargetKey } from "@calla/shared";
import type { Conversation } from "./conversation.ts";
import type { ServerContext } from "../context/server-context.ts";

/** `target` undefined: it concerns the connection. */
export function refused(
  context: ServerContext,
  conversation: Conversation,
  target: TargetKey | undefined,
  code: RefusedCode,
  details: unknown,
): void {
  context.refused({
    code,
    clientId: conversation.clientId === "" ? undefined : conversation.clientId,
    userId: conversation.userId,
    target,
    details,
  });
}
