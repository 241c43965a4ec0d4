// The page: one client for all boards, and the board that the address names (`#brave-otter-x4k2p`), or the first page. What
// is not React's comes from examples/board: the client, messages and undo, gestures, toasts.
import "../../board/client/no-eval.ts";
import { CallaProvider } from "@calla/react";
import { StrictMode, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { client } from "../../board/client/client.ts";
import { byId } from "../../board/client/dom.ts";
import { stayMyself } from "../../board/client/myself.ts";
import { announceReturn } from "../../board/client/standing.ts";
import { watchToasts } from "../../board/client/toasts.ts";
import { BoardPage } from "./board-page.tsx";
import { StartPage } from "./start-page.tsx";

function App() {
  const id = useSyncExternalStore(onAddress, () => location.hash.slice(1));
  return id === "" ? <StartPage /> : <BoardPage key={id} id={id} />;
}

function onAddress(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

watchToasts();
stayMyself();
announceReturn(client);
createRoot(byId("page")).render(
  <StrictMode>
    <CallaProvider client={client}>
      <App />
    </CallaProvider>
  </StrictMode>,
);
