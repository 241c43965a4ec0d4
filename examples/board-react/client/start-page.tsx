// The first page: a new board, and those seen before; for who comes first, a board that says what to try.
import { useEffect, useRef, useState } from "react";
import { newBoardId, titleOf } from "../../board/client/ids.ts";
import { visited } from "../../board/client/visited.ts";
import { Icon } from "./icon.tsx";
import { useRoving } from "./roving.ts";
import { StatusLine } from "./status-line.tsx";

export function StartPage() {
  const [seen] = useState(visited);
  const [ids] = useState(() => ({ example: `example-${newBoardId()}`, fresh: newBoardId() }));
  const list = useRef<HTMLUListElement>(null);
  useRoving(list, "a", "a");
  useEffect(() => void (document.title = "Boards"), []);
  const rank = (first: boolean): string => (first ? "button" : "button second");
  const starts = [
    <a key="example" className={rank(seen.length === 0)} href={`#${ids.example}`}>
      Look at an example
    </a>,
    <a key="fresh" className={rank(seen.length > 0)} href={`#${ids.fresh}`}>
      <Icon name="plus" />
      New board
    </a>,
  ];
  return (
    <>
      <header className="plain">
        <StatusLine />
      </header>
      <main className="start">
        <img src="/icon.svg" alt="" width="56" height="56" />
        <h1>Boards</h1>
        <p className="lead">
          Three columns, some cards, and everybody who has the link. What one changes all see at once; what
          you change offline is sent when you are back.
        </p>
        <p className="starts">{seen.length > 0 ? starts.toReversed() : starts}</p>
        {seen.length > 0 && (
          <>
            <h2 id="seen">Where you have been</h2>
            <ul className="boards" aria-labelledby="seen" ref={list}>
              {seen.map(({ id, title }) => (
                <li key={id}>
                  <a href={`#${id}`}>
                    <strong>{title || titleOf(id)}</strong>
                    <small>{id}</small>
                  </a>
                </li>
              ))}
            </ul>
          </>
        )}
      </main>
    </>
  );
}
