// The head of a board's page: its name, who else is here, a link to invite by, and oneself.
import type { TopicState } from "@calla/client";
import type { board } from "../shared/wiring.ts";
import { h, icon } from "./dom.ts";
import { statusLine } from "./connection.ts";
import { facesView } from "./faces.ts";
import { titleOf } from "./ids.ts";
import { me } from "./myself.ts";
import { copyLink } from "./invite.ts";
import type { Somebody } from "./people.ts";
import { personButton } from "./person.ts";
import type { Undo } from "./undo.ts";

export interface BoardHead {
  readonly element: HTMLElement;
  show(state: TopicState<typeof board>): void;
  showMe(): void;
  /** Who else is here, how many more than could be named, and in how many tabs I am. */
  showPeople(others: readonly Somebody[], unnamed: number, myTabs: number): void;
  showUndo(): void;
}

export function boardHead(id: string, rename: (title: string) => void, undo: Undo): BoardHead {
  const title = h("input", {
    class: "title",
    "aria-label": "Name of the board",
    placeholder: titleOf(id),
    maxlength: "60",
    autocomplete: "off",
    onchange: () => rename(title.value.trim()),
    onkeydown: ({ key }: KeyboardEvent) => key === "Enter" && title.blur(),
  });
  const invite = h(
    "button",
    { type: "button", class: "quiet", "aria-label": "Copy link", onclick: () => void copyLink() },
    icon("link"),
    h("span", {}, "Copy link"),
  );
  const faces = facesView();
  let tabs = 1;
  const undoButton = (label: string, name: "undo" | "redo", onclick: () => void): HTMLButtonElement =>
    h("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick }, icon(name));
  const back = undoButton("Undo", "undo", () => undo.undo());
  const again = undoButton("Redo", "redo", () => undo.redo());
  const person = personButton();
  const home = h("a", { href: "#", class: "quiet", "aria-label": "All boards" }, icon("back"));
  return {
    element: h(
      "header",
      {},
      home,
      h("h1", {}, title),
      back,
      again,
      faces.element,
      invite,
      person.element,
      statusLine,
      keys(),
    ),
    show({ status, model }) {
      title.readOnly = status === "refused";
      if (model && document.activeElement !== title) title.value = model.title;
    },
    showMe() {
      const current = me();
      if (current) person.show(current, tabs);
    },
    showPeople(others, unnamed, myTabs) {
      faces.show(others, unnamed);
      if (tabs === myTabs) return;
      tabs = myTabs;
      this.showMe();
    },
    showUndo() {
      back.disabled = !undo.canUndo;
      again.disabled = !undo.canRedo;
    },
  };
}

/** Which keys there are, for who sees it, while a card has the focus by keyboard. */
const keys = (): HTMLElement => {
  const key = (name: string): HTMLElement => h("kbd", {}, name);
  return h(
    "p",
    { class: "keys", "aria-hidden": "true" },
    h("span", {}, key("↑"), key("↓"), " cards"),
    h("span", {}, key("←"), key("→"), " in a card"),
    h("span", {}, key("Alt"), " + arrow moves"),
    h("span", {}, key("Del"), " deletes"),
  );
};
