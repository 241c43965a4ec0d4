// Under which key a client is listed: the server's word, never the client's.
import { authorTag, CallaError } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { isThenable } from "../base/contain.ts";
import type { LooseAsking, LooseHandlers } from "../app/handlers.ts";
import { LONGEST_TEXT } from "../presence/presence-message.ts";

/** The user's id; of somebody who has not said who it is, the tag by which records and pushes name its client. */
const usualKey = ({ user, clientId, topic }: LooseAsking): string =>
  user?.id ?? String(authorTag(clientId, topic));

/** @throws what the app's `presenceKey` throws; CallaError `hook`: it gave what is no key. */
export function presenceKeyOf(
  slice: { readonly name: string },
  handlers: Pick<LooseHandlers, "presenceKey"> | undefined,
  asking: LooseAsking & { readonly topic: TargetKey },
): string {
  const given: unknown = handlers?.presenceKey?.(asking) ?? usualKey(asking);
  if (typeof given === "string" && given !== "" && given.length <= LONGEST_TEXT) return given;
  if (isThenable(given)) Promise.resolve(given).then(undefined, () => undefined);
  const what = isThenable(given)
    ? "a promise"
    : typeof given === "string"
      ? "a text of no or too many characters"
      : typeof given;
  throw new CallaError(
    "hook",
    { slice: slice.name },
    `presenceKey of slice "${slice.name}" gave ${what}; it must give at once a text of 1 to ${LONGEST_TEXT} characters.`,
  );
}
