// How a client finds its own records among everybody's without a name of its own in shared bytes.
import { hashString } from "./hash.ts";
import type { TargetKey } from "./target.ts";

/** The author's tag in update frames: a hash of client and target, so that it tells nothing across topics. */
export const authorTag = (clientId: string, target: TargetKey): number =>
  hashString(`${clientId}\n${target}`);
