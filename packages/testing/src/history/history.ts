// The history of a run: every dispatch, what was stored and sent, every outcome told and every model shown, in the order
// in which they happened. Recorded by whoever wires the parts (world.ts), judged afterwards (check.ts).
import type { TargetKey } from "@calla/shared";
import type { Archived } from "./archive.ts";

/** One page's life: a client is the same over many pages, as long as its storage is. */
export interface PageName {
  readonly client: number;
  readonly page: number;
}

/** What a caller was told of its write. */
export type Told =
  | { readonly is: "applied"; readonly sequence: number; readonly messages: readonly unknown[] }
  | { readonly is: "rejected"; readonly code: string }
  /** Given up before it was sent, or never to be known; `code` says which. */
  | { readonly is: "ended"; readonly code: string };

/** One thing that happened in a run, at a page, at a server or in the log. */
export type HistoryEvent =
  /** `userId`: in whose name it is predicted on this page. */
  | ({
      readonly type: "dispatched";
      readonly target: TargetKey;
      readonly id: string;
      readonly userId: string | null;
      /** undefined: the server has not named it yet. */
      readonly clientId?: string | undefined;
    } & PageName)
  /** The page's storage was asked to keep a message, has it, or has refused. */
  | ({
      readonly type: "stored";
      readonly stage: "asked" | "durable" | "failed";
      readonly target: TargetKey;
      readonly mid: number;
      readonly id: string;
      readonly at: number;
    } & PageName)
  /** The client's storage has a mid's outcome. `sequence` 0: rejected or given up. */
  | ({
      readonly type: "recorded";
      readonly target: TargetKey;
      readonly mid: number;
      readonly sequence: number;
    } & PageName)
  /** The client's storage has refused a commit: it may forget what it was not told. */
  | ({ readonly type: "unstored" } & PageName)
  /** The client's storage has a model at a sequence. `target` null: it has none of any, being a new client's. */
  | ({ readonly type: "kept"; readonly target: TargetKey | null; readonly sequence: number } & PageName)
  /** A message was handed to the network. */
  | ({
      readonly type: "sent";
      readonly clientId: string;
      readonly target: TargetKey;
      readonly mid: number;
      readonly id: string;
      readonly empty: boolean;
    } & PageName)
  | ({
      readonly type: "told";
      readonly target: TargetKey;
      readonly id: string;
      readonly told: Told;
    } & PageName)
  /** `onOutcome` heard of a message. `sequence` 0 where it has none, `code` empty where there is none. */
  | ({
      readonly type: "hooked";
      readonly target: TargetKey;
      readonly id: string;
      readonly is: "applied" | "rejected" | "unknown";
      readonly sequence: number;
      readonly code: string;
    } & PageName)
  /** Both listeners below were added: nothing they were told before counts. */
  | ({ readonly type: "listens"; readonly target: TargetKey } & PageName)
  /** A listener was called. `listener` names it; "model" ones select the visible model alone. */
  | ({
      readonly type: "shown";
      readonly listener: "state" | "model";
      readonly target: TargetKey;
      /** The page's version of the slice; undefined: the run's only, or newest one. */
      readonly version?: number;
      readonly status: string;
      readonly code: string;
      readonly model: unknown;
      /** As whom the page predicts now; absent: as it did when it dispatched. */
      readonly as?: { readonly userId: string | null; readonly clientId: string | undefined };
      readonly pending: readonly {
        readonly id: string;
        readonly messages: readonly unknown[];
        readonly skipped?: { readonly code: string } | undefined;
      }[];
    } & PageName)
  /** A guest's page was given this identity. */
  | ({ readonly type: "named"; readonly clientId: string } & PageName)
  /** A guest's page has the server's model up to there, in plain form, and shows these of its dispatches on top. */
  | ({
      readonly type: "seen";
      readonly target: TargetKey;
      readonly sequence: number;
      readonly mark: number;
      readonly model: unknown;
      /** By id. */
      readonly pending: readonly string[];
    } & PageName)
  /** The page is gone, without a goodbye. */
  | ({ readonly type: "ended" } & PageName)
  | {
      readonly type: "appended";
      readonly target: TargetKey;
      readonly path: number;
      readonly sequence: number;
    }
  /** The run's consumer was handed a record, by whatever node. */
  | {
      readonly type: "consumed";
      readonly target: TargetKey;
      readonly sequence: number;
      readonly mark: number;
    }
  /** The log has a refusal. */
  | { readonly type: "refused"; readonly target: TargetKey; readonly id: string }
  | { readonly type: "rewound"; readonly target: TargetKey; readonly from: number; readonly to: number }
  /** Somebody's code reported an error: a server's or a client's `onError`, or nobody at all (an unhandled rejection). */
  | { readonly type: "reported"; readonly by: string; readonly error: unknown };

/** What there was after the faults had ended and time enough had passed. */
export interface Quiet {
  /** Undefined: it never became quiet; then why. */
  readonly problem: string | undefined;
  /** What each node says of each target. */
  readonly servers: readonly {
    readonly node: number;
    readonly target: TargetKey;
    readonly model: unknown;
    readonly sequence: number;
  }[];
  /** What each log says of each target by its snapshot and records alone. */
  readonly persisted: readonly {
    readonly target: TargetKey;
    readonly model: unknown;
    readonly sequence: number;
    readonly mark: number;
    readonly problem: string | undefined;
  }[];
  /** What each client shows of each target it has subscribed to, by its getter. */
  readonly clients: readonly ({
    readonly target: TargetKey;
    readonly status: string;
    readonly model: unknown;
    readonly pending: number;
  } & PageName)[];
  /** The same of guests, which show models in plain form. */
  readonly guests?: Quiet["clients"];
  /** Whom each node and each page lists on topics with presence, and whom it ought to list: key and meta of each, as texts. */
  readonly present?: readonly {
    readonly by: string;
    readonly target: TargetKey;
    readonly expected: readonly string[];
    readonly listed: readonly string[];
  }[];
}

/** Everything that happened in a run: what `checkHistory` judges. */
export interface History {
  readonly events: readonly HistoryEvent[];
  readonly archive: ReadonlyMap<TargetKey, Archived>;
  readonly quiet: Quiet | undefined;
  /** The user whom each client speaks for. */
  readonly users: readonly (string | null)[];
}

/** A rule that a history breaks. */
export interface Violation {
  /** `HC1` …, as SPEC.md has them. */
  readonly rule: string;
  readonly what: string;
}
