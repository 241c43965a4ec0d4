// Node against node: what another one's model of a target hashes to, against ours (VE9). Not here: telling ours
// (live-target.ts), what a client's differs in (following.ts), which of two models stays (opening.ts).
import { CallaError, hashValue } from "@calla/shared";
import type { Core } from "./core.ts";
import type { Digest } from "./doorbell.ts";
import type { LiveTarget } from "./live-target.ts";
import type { Turns } from "./turns.ts";

/** The ring that came with a digest may be at work, and what follows it too; a busy target is compared another time. */
const MOST_LOOKS = 5;

/** Compares our model with another node's of the same place; where they differ it is reported, and ours folded anew. */
export async function compareDigest(
  core: Core,
  turns: Turns,
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
    await turns.look(live);
  if (turns.stopped || live.closed) return;
  const { sequence, mark, model } = engine.state;
  // Elsewhere by now: the next digest tells.
  if (sequence !== theirs.sequence || mark !== theirs.mark) return;
  const digest = hashValue(model);
  if (digest === theirs.digest || !turns.refold(live, { sequence, mark, digest })) return;
  core.report(
    new CallaError(
      "diverged",
      { target: live.key, sequence, digest: theirs.digest, ours: digest },
      `"${live.key}" at ${sequence} has two models on two nodes. Has an update changed without a new version, or does it read more than model, message and context?`,
    ),
  );
}
