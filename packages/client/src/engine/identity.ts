// Who this client is: what the server has signed, and the names under which dispatches are predicted. Not here: what
// becomes of the outbox under another identity (greeting.ts).
import { visitorOf } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { AuthorNames, Core, Dispatch } from "./records.ts";

/** As whom what is dispatched to a target is predicted. */
export const authorOf = (core: Core, key: TargetKey): AuthorNames => ({
  userId: core.userId,
  visitor: core.identity ? visitorOf(core.identity.clientId, core.userId, key) : "",
});

/** Client or user have another name. */
export function renamed(core: Core): void {
  for (const one of core.targets.values()) one.author = authorOf(core, one.key);
}

/**
 * An identity must not outlive what the server remembers of its messages: so it is renewed only once the outcome of all
 * that was sent under it is known, in the transaction that says so (CL17).
 */
export function renewIdentity(core: Core, decided?: Dispatch): void {
  const { renewal } = core;
  if (!renewal) return;
  if (decided) renewal.behind.delete(decided);
  if (renewal.behind.size > 0) return;
  core.identity = renewal.identity;
  core.renewal = undefined;
  core.ledger?.identified(renewal.identity);
}
