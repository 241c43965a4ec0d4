// Who this browser is: a secret between it and the server, and the user that the server makes of it. Kept where the client
// keeps what is not sent yet, and as durably: localStorage reaches the disk seconds later, and a browser that is killed
// before that would come back as somebody else, for whom nothing is stored.
import { newId } from "./ids.ts";

/** `user` is known once the server has said it. */
export interface Account {
  readonly key: string;
  readonly user?: string;
}

/** The browser's account, made if there is none. Where the browser keeps nothing, it is this page's alone. */
export async function account(): Promise<Account> {
  const made = { key: newId() };
  try {
    return (await kept((store) => store.get("mine"))) ?? (await kept((store) => add(store, made))) ?? made;
  } catch {
    return made;
  }
}

export const rememberAccount = (account: Account): Promise<unknown> =>
  kept((store) => store.put(account, "mine")).catch(() => undefined);

/** Of two tabs that open at once the first one's counts. */
function add(store: IDBObjectStore, made: Account): IDBRequest<Account | undefined> {
  const former: IDBRequest<Account | undefined> = store.get("mine");
  former.addEventListener("success", () => {
    if (former.result === undefined) store.put(made, "mine");
  });
  return former;
}

/** Resolves once it is on the disk. */
function kept<T>(ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("boards-account", 1);
    const refused = (): void => reject(opening.error);
    opening.addEventListener("upgradeneeded", () => void opening.result.createObjectStore("accounts"));
    opening.addEventListener("error", refused);
    opening.addEventListener("blocked", refused);
    opening.addEventListener("success", () => {
      const database = opening.result;
      const transaction = database.transaction("accounts", "readwrite");
      const request = ask(transaction.objectStore("accounts"));
      transaction.addEventListener("complete", () => {
        database.close();
        resolve(request.result);
      });
      transaction.addEventListener("abort", () => {
        database.close();
        reject(transaction.error);
      });
    });
  });
}
