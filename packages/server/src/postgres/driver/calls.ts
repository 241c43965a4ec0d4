// Calls over a driver: values as text, an end to waiting, and one repeat of what was surely not done.
import type { Clock } from "@calla/shared";
import { deadlineFailure, failure, isReadOnly, isRepeatable } from "./failures.ts";
import type { PostgresDriver, PostgresRow } from "./driver.ts";
import { postgresText } from "./text.ts";
import type { PostgresValue } from "./text.ts";

export interface CallsOptions {
  readonly driver: PostgresDriver;
  readonly clock: Clock;
  /** Milliseconds until a call is given up, its repeat too. */
  readonly deadline: number;
}

export interface PostgresCalls {
  /**
   * One statement, one round trip.
   *
   * @throws CallaError `storage`, as a rejection: `details.code` has Postgres's five characters where it answered; then the
   * statement was not done. Otherwise (`deadline`, a lost connection) nobody knows.
   */
  query(text: string, values?: readonly PostgresValue[]): Promise<readonly PostgresRow[]>;
  /** The connections lead to a server that only reads: the next call makes new ones, which may lead elsewhere. */
  renew(): void;
}

export function postgresCalls({ driver, clock, deadline }: CallsOptions): PostgresCalls {
  async function attempts(
    text: string,
    values: readonly (string | null)[],
    signal: AbortSignal,
  ): Promise<readonly PostgresRow[]> {
    try {
      return await driver.query(text, values, signal);
    } catch (error) {
      if (signal.aborted || !(isRepeatable(error) || isReadOnly(error))) throw error;
      if (isReadOnly(error)) driver.renew?.();
      return driver.query(text, values, signal);
    }
  }
  return {
    renew: () => driver.renew?.(),
    query: (text, values = []) =>
      new Promise((resolve, reject) => {
        const giveUp = new AbortController();
        const cancel = clock.setTimeout(() => {
          reject(deadlineFailure(deadline));
          giveUp.abort();
        }, deadline);
        attempts(text, values.map(postgresText), giveUp.signal).then(
          (rows) => {
            cancel();
            resolve(rows);
          },
          (error: unknown) => {
            cancel();
            reject(failure(error));
          },
        );
      }),
  };
}
