// The page: one client for all boards, and the board that the address names (`#brave-otter-x4k2p`), or the first page.
import "./no-eval.ts";
import { boardPage } from "./board-page.ts";
import { client } from "./client.ts";
import { showConnection } from "./connection.ts";
import { byId } from "./dom.ts";
import { stayMyself } from "./myself.ts";
import { announceReturn } from "./standing.ts";
import { startPage } from "./start-page.ts";
import { watchToasts } from "./toasts.ts";

let leave: (() => void) | undefined;

function show(): void {
  leave?.();
  const id = location.hash.slice(1);
  leave = id === "" ? undefined : boardPage(byId("page"), id);
  if (id === "") startPage(byId("page"));
}

watchToasts();
stayMyself();
showConnection();
announceReturn(client);
addEventListener("hashchange", show);
show();
