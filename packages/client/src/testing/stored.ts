// For tests that look into a store: what is there of each client.
import { countWaiting, listClients } from "../tabs/stored-clients.ts";
import type { KeyValueStore } from "../tabs/key-value-store.ts";

/** A client as it is stored. */
export interface ClientInStore {
  readonly id: string;
  readonly user: string | null | undefined;
  /** When it was last taken or written to, to the hour. */
  readonly usedAt: number;
  /** Messages without a recorded outcome. */
  readonly waiting: number;
}

/**
 * The clients of one server in a store, the last used first.
 *
 * @example
 * expect(await clientsIn(store)).toMatchObject([{ user: "ann", waiting: 0 }]);
 */
export async function clientsIn(store: KeyValueStore, server = ""): Promise<readonly ClientInStore[]> {
  const all = await listClients(store, server);
  return Promise.all(
    all.map(async ({ id, user, usedAt }) => ({ id, user, usedAt, waiting: await countWaiting(store, id) })),
  );
}
