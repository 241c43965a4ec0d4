// A refusal as the app hears of it: who, where, why. And a limit that was met, of which observers hear, too.
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

/** Somebody is over a limit. `target` undefined: it concerns the connection. */
export function limited(
  context: ServerContext,
  conversation: Conversation,
  limit: string,
  target: TargetKey | undefined,
  code: RefusedCode = "rate",
): void {
  const { address, clientId } = conversation;
  context.observe?.({ type: "limited", limit, clientId: clientId || undefined, target });
  refused(context, conversation, target, code, { limit, address });
}
