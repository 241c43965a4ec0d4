// One board: its topic on the one side, its columns on the other.
import { useTopic } from "@calla/react";
import { useEffect, useMemo, useReducer } from "react";
import { actionsOn } from "../../board/client/actions.ts";
import type { Actions } from "../../board/client/actions.ts";
import { client } from "../../board/client/client.ts";
import { titleOf } from "../../board/client/ids.ts";
import { undoByKeyboard } from "../../board/client/undo.ts";
import { visit } from "../../board/client/visited.ts";
import { board } from "../../board/shared/wiring.ts";
import { BoardHead } from "./board-head.tsx";
import { Columns } from "./columns.tsx";
import { useUsers } from "./people.ts";

export function BoardPage({ id }: { readonly id: string }) {
  const { status, model } = useTopic(board, [id]);
  const actions = useActions(id);
  const users = useUsers(id);
  const title = model?.title;
  useEffect(() => {
    if (title === undefined) return;
    document.title = `${title || titleOf(id)} · Boards`;
    visit({ id, title });
  }, [id, title]);
  return (
    // A list that is not continued is shown a moment longer, for most cuts are short (style.css).
    <div style={{ display: "contents" }} data-away={users.away || undefined}>
      <BoardHead id={id} title={title} actions={actions} users={users} />
      <main className="board">
        {status === "refused" && <Refusal id={id} />}
        {status === "loading" && <p className="note">Loading the board …</p>}
        {model && <Columns id={id} cards={model.cards} actions={actions} />}
      </main>
    </div>
  );
}

function useActions(id: string): Actions {
  const [, changed] = useReducer((times: number) => times + 1, 0);
  const actions = useMemo(() => actionsOn(id, client.topic(board, id), changed), [id]);
  useEffect(() => undoByKeyboard(actions.undo), [actions]);
  return actions;
}

const Refusal = ({ id }: { readonly id: string }) => (
  <section className="note">
    <h2>{id.startsWith("private-") ? "This board is private" : "There is no such board"}</h2>
    <p>Ask whoever sent you the link, or start a board of your own.</p>
    <a className="button" href="#">
      All boards
    </a>
  </section>
);
