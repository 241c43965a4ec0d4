// Who is here on one topic, from the frames of the sync half to the words that Phoenix clients know: `presence_state`,
// `presence_diff`, `presence_count`. Each frame comes to one event for all who hear it. What goes is named by its tag alone, so
// the table remembers the rest of it.
import { hashString } from "@calla/shared";
import type { ServerFrames } from "@calla/shared";
import { COUNT, DIFF, diffPayload, payloadOf, STATE } from "../channels/presence/presence-words.ts";
import type { PresenceList, Tracked } from "../channels/definition/presence-types.ts";
import { jsonText } from "../channels/wire/json.ts";
import type { JsonObject } from "../channels/wire/message.ts";
import { SharedEvent } from "../channels/wire/shared-message.ts";
import type { PlainFrame } from "./plain-frames.ts";

interface Listed {
  readonly key: string;
  readonly meta: Tracked;
}

export class PresenceTable {
  readonly #members = new Map<number, Listed>();
  /** Its own: another table has not heard what they say. */
  readonly #events = new WeakMap<PlainFrame, SharedEvent>();

  /** The same event for all who hear the frame. */
  told(plain: PlainFrame<ServerFrames["Presence"]>): SharedEvent {
    let event = this.#events.get(plain);
    if (event === undefined) this.#events.set(plain, (event = this.heard(plain.frame)));
    return event;
  }

  /** What a frame says, once for each. */
  heard({ after, joins, leaves, count }: ServerFrames["Presence"]): SharedEvent {
    if (count !== undefined) {
      this.#members.clear();
      return new SharedEvent(COUNT, { count });
    }
    if (after === undefined) {
      this.#members.clear();
      for (const [tag, key, meta] of joins) this.#members.set(tag, { key, meta: tracked(tag, meta) });
      return this.#state();
    }
    const [came, gone]: [Listed[], Listed[]] = [[], []];
    let isKnown = true;
    for (const tag of leaves) {
      const before = this.#members.get(tag);
      this.#members.delete(tag);
      if (before === undefined) isKnown = false;
      else gone.push(before);
    }
    for (const [tag, key, plain] of joins) {
      const before = this.#members.get(tag);
      const meta = tracked(tag, plain, before?.meta.phx_ref);
      // It stands there already: somebody was told the whole in the meantime, and whose place it took is forgotten.
      if (before?.meta.phx_ref === meta.phx_ref) isKnown = false;
      else if (before !== undefined) gone.push(before);
      this.#members.set(tag, { key, meta });
      came.push({ key, meta });
    }
    return isKnown ? new SharedEvent(DIFF, diffPayload(byKey(came), byKey(gone))) : this.#state();
  }

  #state(): SharedEvent {
    return new SharedEvent(STATE, payloadOf(byKey(this.#members.values())));
  }
}

/** A meta with its ref: the same wherever the same client has the same meta, whoever is told it and when. */
function tracked(tag: number, plain: unknown, before?: string): Tracked {
  const isFields = typeof plain === "object" && plain !== null && !Array.isArray(plain);
  const { phx_ref: _, phx_ref_prev: __, ...meta } = (isFields ? plain : { value: plain }) as JsonObject;
  const phx_ref = `${tag.toString(36)}.${hashString(jsonText(meta)).toString(36)}`;
  return {
    ...meta,
    phx_ref,
    ...(before === undefined || before === phx_ref ? {} : { phx_ref_prev: before }),
  };
}

function byKey(listed: Iterable<Listed>): PresenceList {
  const keys = new Map<string, Tracked[]>();
  for (const { key, meta } of listed) {
    const all = keys.get(key);
    if (all === undefined) keys.set(key, [meta]);
    else all.push(meta);
  }
  return keys;
}
