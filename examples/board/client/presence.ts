// Who is at a board, told and shown: this tab says which card it is at, and hears it of all others. What one types is told
// when it is done; that one types is told at once, so that two do not write over each other.
import type { Topic } from "@calla/client";
import type { board } from "../shared/wiring.ts";
import type { BoardHead } from "./board-head.ts";
import { client } from "./client.ts";
import type { ColumnsView } from "./columns.ts";
import { differing } from "./differing.ts";
import { cardInUse } from "./focus.ts";
import { cardsOf, sentenceOf, usersOf } from "./people.ts";
import { me } from "./myself.ts";
import { announce } from "./toasts.ts";

export interface SharedPresence {
  /** Shows the others on the cards that there are now. */
  show(): void;
  /** This tab is no longer here. */
  stop(): void;
}

export function sharePresence(
  { presence }: Topic<typeof board>,
  page: HTMLElement,
  head: BoardHead,
  view: ColumnsView,
): SharedPresence {
  const area = view.element;

  const tell = (): void => {
    const person = me();
    if (person) presence.track({ name: person.name, colour: person.colour, ...cardInUse() });
  };

  const differ = differing();
  let before: { readonly card: string | null; readonly sentence: string } = { card: null, sentence: "" };
  const show = (): void => {
    const { status, list, self, count } = presence;
    // A list that is not continued is shown a moment longer, for most cuts are short (style.css).
    page.toggleAttribute("data-away", status !== "live");
    const everybody = [...list.values()].flat();
    const myKey = self?.key ?? "";
    const users = usersOf(everybody);
    const others = users.filter(({ key }) => key !== myKey);
    if (status === "live" && myKey !== "") differ.from(others, myKey);
    const myTabs = list.get(myKey)?.length ?? 1;
    // Of very many members only the number is told.
    head.showPeople(others, count - everybody.length, myTabs);
    const cards = cardsOf(everybody.filter((member) => !member.self));
    view.showOthers(cards, myKey);
    // Who cannot see it hears that somebody else begins to edit the same card.
    const { card, editing } = cardInUse();
    const editors = (cards.get(card ?? "") ?? []).filter((one) => editing && one.editing);
    const sentence = sentenceOf(editors, myKey);
    if (sentence !== "" && sentence !== before.sentence && card === before.card) announce(sentence);
    before = { card: editing ? card : null, sentence };
  };

  const over = new AbortController();
  // Focus goes from one card to the next by way of nothing: look where it has come to.
  const { signal } = over;
  const look = (): void => {
    setTimeout(() => {
      if (signal.aborted) return;
      tell();
      show();
    });
  };
  area.addEventListener("focusin", look, { signal });
  area.addEventListener("focusout", look, { signal });
  const stops = [presence.onChange(show), client.session.onChange(tell)];
  tell();
  show();
  return {
    show,
    stop() {
      over.abort();
      differ.stop();
      for (const stop of stops) stop();
      presence.untrack();
      page.removeAttribute("data-away");
    },
  };
}
