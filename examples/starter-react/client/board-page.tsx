// The board: its columns, who is here, and how the connection is.
import { RejectedError } from "@calla/client";
import { useConnection, useDispatch, usePresence, useTopic, useTrack } from "@calla/react";
import { useState } from "react";
import { board, columns } from "../../starter/shared/board.ts";
import type { Card } from "../../starter/shared/board.ts";
import { myName, sentence } from "../../starter/client/board.ts";

type Decided = (write: { readonly applied: Promise<unknown> }) => void;

export function BoardPage({ id }: { readonly id: string }) {
  const { status, model } = useTopic(board, [id]);
  const [notice, setNotice] = useState("");
  const add = useDispatch(board, [id]);
  /** Shown at once; if the server decides otherwise, it is taken back and said why. */
  const decided: Decided = ({ applied }) => {
    setNotice("");
    applied.catch((error: unknown) => {
      if (!(error instanceof RejectedError)) throw error;
      setNotice(error.code === "full" ? "The board is full." : "Somebody has removed that card.");
    });
  };
  return (
    <>
      <header>
        <h1>Board</h1>
        <People id={id} />
        <p role="status">{useConnection(sentence)}</p>
      </header>
      <p role="alert">{status === "refused" ? "This board is not for you." : notice}</p>
      <div className="columns">
        {columns.map((name) => (
          <section key={name} aria-label={name}>
            <h2>{name}</h2>
            <ul>
              {(model?.cards ?? [])
                .filter(({ column }) => column === name)
                .map((card) => (
                  <CardItem key={card.id} board={id} card={card} decided={decided} />
                ))}
            </ul>
            <NewCard
              column={name}
              add={(text) => decided(add({ type: "added", id: crypto.randomUUID(), column: name, text }))}
            />
          </section>
        ))}
      </div>
    </>
  );
}

function People({ id }: { readonly id: string }) {
  useTrack(board, [id], { name: myName });
  const { status, list } = usePresence(board, [id]);
  const names = [...list.values()].flat().map(({ meta, self }) => (self ? `${meta.name} (you)` : meta.name));
  return <p aria-label="Here">{status === "live" ? names.toSorted().join(", ") : ""}</p>;
}

function CardItem({ board: id, card, decided }: { board: string; card: Card; decided: Decided }) {
  const dispatch = useDispatch(board, [id]);
  const [draft, setDraft] = useState<string>();
  const edited = (): void => {
    setDraft(undefined);
    if (draft === undefined || draft.trim() === "" || draft === card.text) return;
    decided(dispatch({ type: "edited", id: card.id, text: draft }));
  };
  return (
    <li>
      <input
        aria-label="Card"
        maxLength={200}
        value={draft ?? card.text}
        onChange={({ target }) => setDraft(target.value)}
        onBlur={edited}
        onKeyDown={({ key }) => key === "Enter" && edited()}
      />
      <select
        aria-label="Column"
        value={card.column}
        onChange={({ target }) =>
          decided(dispatch({ type: "moved", id: card.id, column: target.value as Card["column"] }))
        }
      >
        {columns.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <button aria-label="Remove" onClick={() => decided(dispatch({ type: "removed", id: card.id }))}>
        ×
      </button>
    </li>
  );
}

function NewCard({ column, add }: { readonly column: string; readonly add: (text: string) => void }) {
  const [text, setText] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") add(text);
        setText("");
      }}
    >
      <input
        aria-label={`New card in ${column}`}
        placeholder="New card"
        maxLength={200}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <button>Add</button>
    </form>
  );
}
