// One join that is being decided: by the app's handler, in its time. What comes for the topic meanwhile is held, and goes
// on in order when the answer is out, for that answer comes before everything of the channel.
import type { Cancel } from "@calla/shared";
import { isThenable } from "../../base/contain.ts";
import type { Joining, StopReason } from "../definition/channel-types.ts";
import type { Joined, Refused } from "../definition/results.ts";
import { fitting } from "../definition/schema.ts";
import type { Fitting } from "../definition/schema.ts";
import type { ClientMessage, Json } from "../wire/message.ts";
import type { Route } from "./channels-context.ts";

/** What became of a join. */
export type JoinOutcome =
  | Joined<object>
  | Refused
  /** The params do not fit their schema. */
  | { readonly type: "invalid"; readonly issues: Json }
  /** The app's code threw or returned something else. */
  | { readonly type: "crashed"; readonly error: unknown };

/** A join that is not decided yet. */
export class PendingJoin {
  readonly topic: string;
  readonly message: ClientMessage;
  readonly route: Route;
  /** What has come for its topic since. */
  readonly held: { readonly message: ClientMessage; readonly bytes: number }[] = [];
  /** The join_ref of the channel before, whose end is said behind this join's answer. */
  readonly close: { readonly joinRef: Json } | undefined;
  /** Why nobody waits for it any more: an acceptance that still comes is ended at once, with this reason. */
  abandoned: StopReason | undefined;
  /** Rights have changed since it was asked: it is asked again when it is accepted. */
  rightsChanged = false;
  cancel: Cancel | undefined;
  #abort: AbortController | undefined;

  constructor(
    topic: string,
    message: ClientMessage,
    route: Route,
    close: { readonly joinRef: Json } | undefined,
  ) {
    this.topic = topic;
    this.message = message;
    this.route = route;
    this.close = close;
  }

  get signal(): AbortSignal {
    const abort = (this.#abort ??= new AbortController());
    if (this.abandoned !== undefined) abort.abort();
    return abort.signal;
  }

  abandon(reason: StopReason): void {
    this.abandoned = reason;
    this.cancel?.();
    this.#abort?.abort();
  }
}

/** Asks the app. */
export function askJoin(pending: PendingJoin, socket: Joining["socket"]): JoinOutcome | Promise<JoinOutcome> {
  const { join } = pending.route.definition;
  if (join === undefined) return ACCEPTED;
  const { payload } = pending.message;
  const ask = (said: unknown): unknown =>
    join.handler({
      topic: pending.topic,
      params: pending.route.params as Joining["params"],
      payload: said,
      socket,
      get signal() {
        return pending.signal;
      },
    });
  const late = (working: PromiseLike<unknown>): Promise<JoinOutcome> =>
    Promise.resolve(working).then(outcomeOf, crashed);
  try {
    if (join.schema === undefined) {
      const answer = ask(payload);
      return isThenable(answer) ? late(answer) : outcomeOf(answer);
    }
    const checked = fitting(join.schema, payload);
    if (checked instanceof Promise)
      return late(checked.then((fits) => (fits.ok ? ask(fits.value) : invalid(fits))));
    if (!checked.ok) return invalid(checked);
    const answer = ask(checked.value);
    return isThenable(answer) ? late(answer) : outcomeOf(answer);
  } catch (error) {
    return crashed(error);
  }
}

const ACCEPTED: Joined<object> = { type: "joined", assigns: {}, response: {} };
const crashed = (error: unknown): JoinOutcome => ({ type: "crashed", error });
const invalid = (fits: Extract<Fitting, { ok: false }>): JoinOutcome => ({
  type: "invalid",
  issues: fits.issues as unknown as Json,
});

function outcomeOf(answer: unknown): JoinOutcome {
  const type = (answer as { readonly type?: unknown } | undefined)?.type;
  if (type === "joined" || type === "refused" || type === "invalid") return answer as JoinOutcome;
  return crashed(new TypeError("A join returns joined() or refused()."));
}
