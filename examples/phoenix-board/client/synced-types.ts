// What the reference client has, and what it and the server say to each other. Each frame is in docs/bridge.md.
import type { Patch } from "./json-patch.ts";

/** Who a client is, empty at first: one for all topics of a socket, which has it among its params. */
export type Identity = { client_id?: string; secret?: string };
export type Message = { readonly type: string; readonly [field: string]: unknown };

export type Applied = { readonly sequence: number; readonly messages?: readonly Message[] };
export type Refused = { readonly from: "app" | "calla"; readonly code: string; readonly details?: unknown };
/** What became of a dispatch. Unknown: it was sent, and nobody can tell any more whether it was applied. */
export type Outcome =
  | ({ readonly status: "ok" } & Applied)
  | ({ readonly status: "error" } & Refused)
  | { readonly status: "unknown" };

/** Where in a topic's history a model is. */
export type Place = { readonly sequence: number; readonly mark: number };

export type Joined<Model> = Place &
  Outcomes & {
    readonly client_id: string;
    readonly secret?: string;
    readonly user_id: string | null;
    readonly max_in_flight: number;
    readonly model?: Model;
  };
export type Outcomes = { readonly outcomes: readonly (Outcome & { readonly id: string })[] };
export type Patched = Place & { readonly after: number; readonly patch: Patch };
export type Snapshot<Model> = Place & { readonly model: Model; readonly reason: string };
export type Paused = { readonly from: number; readonly retry_after: number };
export type Ended = { readonly code: string; readonly retryable?: boolean };

export type Status = "joining" | "joined" | "away" | "closed";
/** A dispatch that is not in the confirmed model yet. */
export type Pending<Model> = {
  readonly id: string;
  /** Its number under this identity. */
  mid: number;
  readonly messages: readonly Message[];
  /** What is shown until then: a patch of the model below. One that does not fit is left out. */
  readonly change: (model: Model) => Patch;
  readonly tell: (outcome: Outcome) => void;
  /** It was applied there, and is shown until the model has come so far. */
  sequence?: number;
};
