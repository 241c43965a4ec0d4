// The head of a board's page: its name, who else is here, a link to invite by, and oneself.
import { useState } from "react";
import type { Actions } from "../../board/client/actions.ts";
import { titleOf } from "../../board/client/ids.ts";
import { copyLink } from "../../board/client/invite.ts";
import { Faces } from "./faces.tsx";
import { Icon } from "./icon.tsx";
import type { useUsers } from "./people.ts";
import { PersonButton } from "./person.tsx";
import { StatusLine } from "./status-line.tsx";

interface BoardHeadProps {
  readonly id: string;
  /** undefined: there is no board to be named. */
  readonly title: string | undefined;
  readonly actions: Actions;
  readonly users: ReturnType<typeof useUsers>;
}

export function BoardHead({ id, title, actions: { rename, undo }, users }: BoardHeadProps) {
  const [draft, setDraft] = useState<string>();
  const renamed = (): void => {
    setDraft(undefined);
    if (draft !== undefined && draft.trim() !== title) rename(draft.trim());
  };
  return (
    <header>
      <a href="#" className="quiet" aria-label="All boards">
        <Icon name="back" />
      </a>
      <h1>
        <input
          className="title"
          aria-label="Name of the board"
          placeholder={titleOf(id)}
          maxLength={60}
          autoComplete="off"
          readOnly={title === undefined}
          value={draft ?? title ?? ""}
          onChange={({ target }) => setDraft(target.value)}
          onBlur={renamed}
          onKeyDown={({ key, currentTarget }) => key === "Enter" && currentTarget.blur()}
        />
      </h1>
      <IconButton label="Undo" icon="undo" disabled={!undo.canUndo} run={() => undo.undo()} />
      <IconButton label="Redo" icon="redo" disabled={!undo.canRedo} run={() => undo.redo()} />
      <Faces {...users} />
      <button type="button" className="quiet" aria-label="Copy link" onClick={() => void copyLink()}>
        <Icon name="link" />
        <span>Copy link</span>
      </button>
      <PersonButton tabs={users.myTabs} />
      <StatusLine />
      <Keys />
    </header>
  );
}

type IconButtonProps = {
  readonly label: string;
  readonly icon: "undo" | "redo";
  readonly disabled: boolean;
  readonly run: () => void;
};

const IconButton = ({ label, icon, disabled, run }: IconButtonProps) => (
  <button type="button" className="quiet" aria-label={label} title={label} disabled={disabled} onClick={run}>
    <Icon name={icon} />
  </button>
);

/** Which keys there are, for who sees it, while a card has the focus by keyboard. */
const Keys = () => (
  <p className="keys" aria-hidden="true">
    {[
      ["↑", "↓", " cards"],
      ["←", "→", " in a card"],
      ["Alt", " + arrow moves"],
      ["Del", " deletes"],
    ].map((keys) => (
      <span key={keys[0]}>
        {keys.slice(0, -1).map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
        {keys.at(-1)}
      </span>
    ))}
  </p>
);
