// Snapshots for a page, as text that is safe inside `<script type="application/json">`: a client starts from them
// instead of fetching them. The client's half is `@calla/client/hydration`.
import { CallaError, isSession, json, OWN_SESSION, sessionKey } from "@calla/shared";
import type { Format, TargetKey } from "@calla/shared";
import type { Hub } from "./hub/hub.ts";
import { opened, unavailable } from "./server-topic.ts";

/** As much of a response as is needed to forbid storing it: Node's, or a `Headers`. */
export type UncachedResponse =
  | { setHeader(name: string, value: string): unknown; readonly headersSent: boolean }
  | { set(name: string, value: string): void };

/** What `server.hydrate` takes besides the topics. */
export interface HydrateOptions {
  /**
   * A client's session too. Who sees the page sees it, so the response must be stored by nobody: it is handed over and
   * gets `Cache-Control: no-store`, before the session is read.
   */
  readonly session?: { readonly clientId: string; readonly response: UncachedResponse };
}

/** Read by the client's half; another number there, and it is not taken. */
const FORM = 1;

export async function hydrate(
  hub: Hub,
  topics: readonly { readonly id: TargetKey }[],
  { session }: HydrateOptions,
): Promise<string> {
  if (session !== undefined) forbidStoring(session.response);
  const found: unknown[] = [];
  for (const { id } of topics) {
    if (isSession(id))
      throw new CallaError(
        "forbidden",
        { topic: id },
        "hydrate: a session goes into a page only as hydrate(topics, { session: { clientId, response } }).",
      );
    const snapshot = await snapshotOf(hub, id, id);
    if (snapshot !== undefined) found.push(snapshot);
  }
  const own = session && (await snapshotOf(hub, sessionKey(session.clientId), OWN_SESSION));
  const text = JSON.stringify({
    calla: FORM,
    format: formatOf(hub).name,
    topics: found,
    ...(own === undefined ? {} : { session: { clientId: session?.clientId, snapshot: own } }),
  });
  return text.replaceAll(/[<>&\u2028\u2029]/g, escaped);
}

/** What could end the element, or is no text in a script, as JSON's own escape. */
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

function forbidStoring(response: UncachedResponse): void {
  if ("setHeader" in response) {
    if (response.headersSent)
      throw new CallaError(
        "forbidden",
        {},
        "hydrate: the response's headers are sent already, so Cache-Control: no-store comes too late; call hydrate before they are sent.",
      );
    response.setHeader("Cache-Control", "no-store");
  } else response.set("Cache-Control", "no-store");
}

/** The client says by its name whether it reads values as they were written. */
const formatOf = ({ context }: Hub): Format =>
  context.serialiser.formats.find(({ binary }) => !binary) ?? json();

/** Target, sequence, mark, version and model; nothing of a topic that was removed. */
async function snapshotOf(hub: Hub, key: TargetKey, named: TargetKey): Promise<unknown> {
  const { context } = hub;
  if (context.wiring.sliceOf(key)?.slice.kind === "ephemeral")
    throw new CallaError("topic", { topic: key }, `"${key}" is ephemeral: it has no model to begin with.`);
  const { slice } = hub.directory.target(key);
  const live = await opened(hub, slice, key);
  if (context.log.shared && !(await hub.commitLoop.look(live)))
    throw unavailable(live, "could not be read; try again.");
  const { sequence, mark, model, removed } = live.engine.state;
  if (removed) return undefined;
  const codec = context.serialiser.payload(formatOf(hub));
  try {
    return [named, sequence, mark, slice.version, codec.encodeModel(model)];
  } catch (error) {
    // The page is made without it: a client that subscribes there hears why it cannot be had.
    context.report(error);
    return undefined;
  }
}
