// One card: its text, which a click turns into an editor, a grip to move it by and a button to delete it; and who else is
// at it.
import { useId } from "react";
import type { KeyboardEvent } from "react";
import type { Card } from "../../board/shared/wiring.ts";
import { Icon } from "./icon.tsx";
import { useAtCard } from "./people.ts";
import { Avatar } from "./person.tsx";

interface CardProps {
  readonly board: string;
  readonly card: Card;
  readonly unsaved: boolean;
  /** Picked up by keyboard. */
  readonly held: boolean;
  /** What its editor has, while it is open. */
  readonly draft: string | undefined;
  readonly write: (text: string) => void;
  readonly close: (keep: boolean) => void;
  readonly remove: () => void;
}

/** So many have a face on a card. */
const MOST = 3;

export function CardItem({ board, card, unsaved, held, draft, write, close, remove }: CardProps) {
  const at = useId();
  const { there, sentence } = useAtCard(board, card.id);
  // Who edits gives the colour, and comes first.
  const faces = there.toSorted((a, b) => Number(b.editing) - Number(a.editing)).slice(0, MOST);
  const press = (event: KeyboardEvent): void => {
    const { key, shiftKey, nativeEvent } = event;
    if (draft === undefined) {
      if (key !== "Delete") return;
      remove();
    } else {
      if (key !== "Escape" && (key !== "Enter" || shiftKey || nativeEvent.isComposing)) return;
      close(key === "Enter");
    }
    event.preventDefault();
  };
  return (
    <li
      className="card"
      data-id={card.id}
      data-pending={unsaved ? "" : undefined}
      data-colour={faces[0]?.colour}
      onKeyDown={press}
    >
      <button
        type="button"
        className="grip"
        aria-describedby="how-to-move"
        aria-pressed={held}
        aria-label={`Move “${card.text}”`}
      >
        <Icon name="grip" />
      </button>
      {draft === undefined ? (
        <button
          type="button"
          className="text"
          title="Edit"
          aria-describedby={at}
          onClick={() => write(card.text)}
        >
          {card.text}
        </button>
      ) : (
        <textarea
          autoFocus
          className="text"
          aria-label="Card text"
          aria-describedby={at}
          maxLength={300}
          rows={1}
          value={draft}
          onChange={({ target }) => write(target.value)}
          onBlur={() => close(true)}
        />
      )}
      <button type="button" className="delete" aria-label={`Delete “${card.text}”`} onClick={remove}>
        <Icon name="cross" />
      </button>
      <p className="foot">
        <span className="by" data-colour={card.by.colour}>
          {card.by.name}
        </span>
        <span className="unsent">Not saved yet</span>
      </p>
      <p className="at" id={at}>
        {faces.map((one) => (
          <Avatar key={one.key} of={one} />
        ))}
        <span className={faces[0]?.editing === true ? "sentence" : "unseen"}>{sentence}</span>
      </p>
    </li>
  );
}
