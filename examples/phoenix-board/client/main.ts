// The page: one socket, one identity, and the board that the address names (`#brave-otter`). It has the package phoenix and
// nothing of Calla; the other page of this server, at `/`, shows the same boards by Calla's client.
import { boardPage } from "./board-page.ts";
import { connect } from "./connection.ts";
import type { Identity } from "./synced-types.ts";
import { key, learnMe, newId } from "./visitor.ts";

const identity: Identity = {};
const socket = connect(key, identity);
let board: ReturnType<typeof boardPage> | undefined;

function open(): void {
  if (location.hash.length < 2) return location.replace(`#phoenix-${newId().slice(0, 6)}`);
  board?.leave();
  board = boardPage(socket, identity, location.hash.slice(1));
}
learnMe(socket, () => board?.show());
for (const event of ["online", "offline"]) addEventListener(event, () => board?.show());
addEventListener("hashchange", open);
open();
