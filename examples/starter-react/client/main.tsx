// The page begins here.
import { CallaProvider } from "@calla/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { boardId, client } from "../../starter/client/board.ts";
import { BoardPage } from "./board-page.tsx";

addEventListener("hashchange", () => location.reload());
createRoot(document.querySelector("#board")!).render(
  <StrictMode>
    <CallaProvider client={client}>
      <BoardPage id={boardId()} />
    </CallaProvider>
  </StrictMode>,
);
