// Who this browser is: a secret between it and the server, which makes a user of it and gives it a name.
import type { Socket } from "phoenix";
import type { Person } from "./board.ts";

/** Nobody guesses it. `crypto.randomUUID` would do, but browsers have it on secure pages only. */
export const newId = (): string =>
  [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36).padStart(7, "0")).join("");

const isKey = (value: unknown): value is string =>
  typeof value === "string" && /^[0-9a-z]{20,64}$/.test(value);

/** Storage may be full, forbidden or tampered with: then it is somebody new each time. */
function keptKey(): string {
  try {
    const kept = localStorage.getItem("phoenix-board:key");
    if (isKey(kept)) return kept;
    const made = newId();
    localStorage.setItem("phoenix-board:key", made);
    return made;
  } catch {
    return newId();
  }
}
export const key = keptKey();

/** As the others see this browser's user, once the server has said it. */
let person: Person | undefined;
export const me = (): Person => person ?? { name: "You", colour: "teal" };

export function learnMe(socket: Socket, learned: () => void): void {
  socket
    .channel("me")
    .join()
    .receive("ok", (said: Person) => {
      person = said;
      learned();
    });
}
