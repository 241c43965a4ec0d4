// The app's hooks and its store are waited for so long. Who waited longer would stand still, and nobody would hear of it.
import type { Clock } from "@calla/shared";
import { deadline } from "../base/deadline.ts";

/** The app did not answer. */
export class LateHook extends Error {
  constructor() {
    super("A hook or the store of supabase(channels) did not answer within limits.hookTimeout.");
  }
}

/** What it says, if it says it in time. @throws LateHook */
export async function inTime<T>(clock: Clock, milliseconds: number, work: Promise<T>): Promise<T> {
  const end = deadline(clock, milliseconds);
  try {
    if (await end.met(work)) return await work;
  } finally {
    end.over();
  }
  throw new LateHook();
}
