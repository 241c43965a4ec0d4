// Somebody's face; and who I am: a button with my name that opens a form for name and colour.
import { useState } from "react";
import { choose } from "../../board/client/myself.ts";
import { initials } from "../../board/client/people.ts";
import { colours } from "../../board/shared/wiring.ts";
import type { Person } from "../../board/shared/wiring.ts";
import { useMe } from "./people.ts";

export const Avatar = ({ of: { name, colour } }: { readonly of: Person }) => (
  <span className="avatar" data-colour={colour} title={name} aria-hidden="true">
    {initials(name)}
  </span>
);

/** The number of somebody's tabs, on their avatar, where it is more than one. */
export const Tabs = ({ tabs }: { readonly tabs: number }) =>
  tabs > 1 && (
    <span className="tabs" aria-hidden="true">
      {tabs}
    </span>
  );

export function PersonButton({ tabs }: { readonly tabs: number }) {
  const me = useMe();
  const label = `You are ${me?.name}${tabs > 1 ? `, in ${tabs} tabs` : ""}. Change name or colour`;
  return (
    <div>
      <button type="button" className="me" popoverTarget="person">
        {me && (
          <>
            <span className="face">
              <Avatar of={me} />
              <Tabs tabs={tabs} />
            </span>
            <span className="name" aria-hidden="true">
              {me.name}
            </span>
            <span className="unseen">{label}</span>
          </>
        )}
      </button>
      <PersonForm me={me} />
    </div>
  );
}

function PersonForm({ me }: { readonly me: Person | undefined }) {
  // What it shows is read when it opens; what comes while somebody types disturbs nobody.
  const [opened, setOpened] = useState(0);
  return (
    <form
      id="person"
      className="popover"
      popover="auto"
      onBeforeToggle={({ newState }) => newState === "open" && setOpened(opened + 1)}
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        const name = String(form.get("name")).trim();
        const colour = colours.find((colour) => colour === form.get("colour")) ?? "blue";
        event.currentTarget.hidePopover();
        if (name !== "") choose({ name, colour });
      }}
    >
      <label htmlFor="person-name">Your name</label>
      <input
        key={`name ${opened}`}
        id="person-name"
        name="name"
        required
        maxLength={24}
        autoComplete="nickname"
        defaultValue={me?.name}
      />
      <fieldset key={`colour ${opened}`}>
        <legend>Your colour</legend>
        <div className="swatches">
          {colours.map((colour) => (
            <label key={colour} className="swatch" data-colour={colour} title={colour}>
              <input type="radio" name="colour" value={colour} defaultChecked={colour === me?.colour} />
              <span className="unseen">{colour}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <button className="button">Save</button>
    </form>
  );
}
