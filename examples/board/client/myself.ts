// Who I am. My name and colour live in my session on the server, and this browser introduces me again when it comes back as
// a new visitor.
import type { Person } from "../shared/wiring.ts";
import { client } from "./client.ts";
import { hasChosen, remember, remembered } from "./visited.ts";

export const me = (): Person | undefined => client.session.state.model?.person ?? undefined;

/**
 * Keeps my session and this tab's memory of me the same: the server names a new visitor, and one that comes back (after
 * a reload, or after the server has lost its memory) names itself.
 */
export function stayMyself(): void {
  client.session.onChange(({ status }) => {
    const person = me();
    if (status !== "live" || !person) return;
    const before = remembered();
    if (!before) remember(person, "given");
    else if (before.name !== person.name || before.colour !== person.colour) introduce(before);
  });
}

function introduce(person: Person): void {
  client.session.dispatch({ type: "introduced", ...person });
}

/** As whom I want to be known, in all tabs and next time. */
export function choose(person: Person): void {
  remember(person, "chosen");
  introduce(person);
}

/** Another colour than the server gave; whoever has chosen one keeps it. */
export function takeColour(colour: Person["colour"]): void {
  const person = me();
  if (!person || hasChosen() || colour === person.colour) return;
  remember({ ...person, colour }, "given");
  introduce({ ...person, colour });
}
