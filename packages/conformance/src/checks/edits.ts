// Ways in which a conversation may differ from how it was recorded.
import type { Hearing, Step } from "../recording/recording.ts";

export type Edit = (recorded: readonly Step[]) => readonly Step[];
type Is = (step: Step) => boolean;

/** What `who` hears of a kind. */
export const heardBy =
  (who: string, kind: Hearing["hear"]): Is =>
  (step) =>
    "hear" in step && step.hear === kind && (step.who ?? "main") === who;

/** At the end something more is heard. */
export const more =
  (...steps: readonly Step[]): Edit =>
  (recorded) => [...recorded, ...steps];

/** Other things in place of the last such step; nothing, if there are none. */
export const last =
  (is: Is, ...instead: readonly Step[]): Edit =>
  (recorded) => {
    const at = recorded.findLastIndex(is);
    return [...recorded.slice(0, at), ...instead, ...recorded.slice(at + 1)];
  };

/** The conversation ends in this, and what was recorded from there on is neither said nor heard. */
export const fromTheFirst =
  (is: Is, ...instead: readonly Step[]): Edit =>
  (recorded) => [...recorded.slice(0, recorded.findIndex(is)), ...instead];

/** What was heard behind the last thing that was said is another. */
export const inTheEnd =
  (...instead: readonly Step[]): Edit =>
  (recorded) => [...recorded.slice(0, recorded.findLastIndex((step) => "do" in step) + 1), ...instead];

export const each =
  (change: (step: Step) => Step): Edit =>
  (recorded) =>
    recorded.map(change);

/** One after the other. */
export const both =
  (...edits: readonly Edit[]): Edit =>
  (recorded) =>
    edits.reduce((steps, edit) => edit(steps), recorded);
