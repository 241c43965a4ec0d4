// Node against node: compares the hash of another node's model of a target with ours (VE9). Not here: sending ours
// (live-target.ts), a client's hash that differs (hub/subscriptions.ts), which of two models stays (open-target.ts).
import { CallaError, hashValue } from "@calla/shared";
import type { ServerContext } from "../context/server-context.ts";
import type { Digest } from "../cluster/node-messages.ts";
import type { LiveTarget } from "./live-target.ts";
import type { CommitLoop } from "./commit-loop.ts";

/** The ring that came with a digest may be at work, and what comes of it too; a busy target is compared another time. */
const MOST_LOOKS = 5;

/** Compares our model with another node's of the same place; where they differ it is reported, and ours folded anew. */
export async function compareDigest(
  context: ServerContext,
  commitLoop: CommitLoop,
  live: LiveTarget,
  theirs: Digest,
): Promise<void> {
  const { engine } = live;
  if (engine === undefined) return;
  for (
    let looks = 0;
    looks < MOST_LOOKS && (!engine.ready || engine.state.sequence < theirs.sequence);
    looks++
  )
    await commitLoop.look(live);
  if (commitLoop.stopped || live.closed) return;
  const { sequence, mark, model } = engine.state;
  // Elsewhere by now: the next digest tells.
  if (sequence !== theirs.sequence || mark !== theirs.mark) return;
  const digest = hashValue(model);
  if (digest === theirs.digest || !commitLoop.refold(live, { sequence, mark, digest })) return;
  context.report(
    new CallaError(
      "diverged",
      { target: live.key, sequence, digest: theirs.digest, ours: digest },
      `"${live.key}" at ${sequence} has two models on two nodes. Has an update changed without a new version, or does it read more than model, message and context?`,
    ),
  );
}
