// What became of a check: the report's data, which `--json` writes as it is.
import type { Over } from "../checks/check.ts";
import type { Deed, Hearing, Json } from "../recording/recording.ts";

/** One thing that was heard wrongly. */
export interface Failure {
  /** The conversation's name; of a check that is code, its id. */
  readonly conversation: string;
  /** What the conversation is about. */
  readonly about: string;
  /** Which of its connections; "main" where there is one. */
  readonly who?: string;
  /** Which thing that connection heard, from 1. */
  readonly at?: number;
  /** What the client had done before. */
  readonly said?: Deed;
  /** What should have been heard; absent: nothing. */
  readonly expected?: Hearing | Json;
  /** What was heard; absent: nothing. */
  readonly heard?: Hearing | Json;
  /** How long after the client had last said something, in ms. */
  readonly late?: number;
  /** In words, where it is more than one thing in place of another. */
  readonly says?: string;
}

/** What became of one check. */
export interface Result {
  readonly id: string;
  readonly says: string;
  readonly over: readonly Over[];
  /** Calla answers otherwise on purpose (◆): the answers differ between the modes. */
  readonly differs: boolean;
  readonly outcome: "passed" | "failed" | "not run";
  /** Why it was not run. */
  readonly why?: string;
  /** Whether the server is why it was not run: it lacks a part of the fixture app, or it is gone. */
  readonly lacking?: boolean;
  /** What was played, by name. */
  readonly played: readonly string[];
  readonly failures: readonly Failure[];
}

/** What became of a run: `--json` prints it as it is. */
export interface Report {
  /** Of this form. */
  readonly version: 1;
  readonly url: string;
  readonly mode: "strict" | "calla";
  /** Why nothing was run: a sentence. Then there are no results. */
  readonly problem?: string;
  /** What the server lacks of the fixture app, a sentence each. */
  readonly lacks: readonly string[];
  /** In the order of the table. */
  readonly results: readonly Result[];
  /** In ms. */
  readonly took: number;
}
