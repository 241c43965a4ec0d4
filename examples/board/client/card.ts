// One card: its text, which a click turns into an editor, a grip to move it by and a button to delete it; and who else is
// at it.
import type { Card } from "../shared/wiring.ts";
import { h, icon } from "./dom.ts";
import { sentenceOf } from "./people.ts";
import type { AtCard } from "./people.ts";
import { avatar } from "./person.ts";

export interface CardActions {
  edit(id: string, text: string): void;
  remove(id: string): void;
}

export interface CardView {
  readonly element: HTMLElement;
  show(card: Card, pending: boolean): void;
  /** Whether it is picked up. */
  showHeld(held: boolean): void;
  /** Who else is at it; `me`: my key, for my other tabs. */
  showOthers(others: readonly AtCard[], me: string): void;
}

/** So many have a face on a card. */
const MOST = 3;
/** Cards shown so far: an element's id is not to be made of what anybody has sent. */
let made = 0;

export function cardView(first: Card, actions: CardActions): CardView {
  let card = first;
  const grip = h(
    "button",
    { type: "button", class: "grip", "aria-describedby": "how-to-move", "aria-pressed": "false" },
    icon("grip"),
  );
  const cross = h(
    "button",
    { type: "button", class: "delete", onclick: () => actions.remove(card.id) },
    icon("cross"),
  );
  const by = h("span", { class: "by" });
  const unsent = h("span", { class: "unsent" }, "Not saved yet");
  const others = h("p", { class: "at", id: `at-${++made}` });
  /** What a screen reader says of who is at it, behind the text of the card. */
  const described = { "aria-describedby": others.id };
  const text = h("button", { type: "button", class: "text", title: "Edit", onclick: edit, ...described });
  const element = h(
    "li",
    { class: "card", "data-id": card.id },
    grip,
    text,
    cross,
    h("p", { class: "foot" }, by, unsent),
    others,
  );
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Delete" || (event.target as Element).matches("textarea")) return;
    event.preventDefault();
    actions.remove(card.id);
  });

  function edit(): void {
    const editor = h("textarea", {
      class: "text",
      "aria-label": "Card text",
      maxlength: "300",
      rows: "1",
      ...described,
    });
    editor.value = card.text;
    let open = true;
    const close = (keep: boolean): void => {
      if (!open) return;
      open = false;
      editor.replaceWith(text);
      const edited = editor.value.trim();
      if (keep && edited !== "" && edited !== card.text) actions.edit(card.id, edited);
    };
    editor.addEventListener("blur", () => close(true));
    editor.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey || event.isComposing)) return;
      event.preventDefault();
      close(event.key === "Enter");
      text.focus();
    });
    text.replaceWith(editor);
    editor.focus();
  }

  return {
    element,
    show(next, pending) {
      card = next;
      text.textContent = card.text;
      grip.setAttribute("aria-label", `Move “${card.text}”`);
      cross.setAttribute("aria-label", `Delete “${card.text}”`);
      by.textContent = card.by.name;
      by.dataset["colour"] = card.by.colour;
      element.toggleAttribute("data-pending", pending);
    },
    showHeld(held) {
      grip.setAttribute("aria-pressed", String(held));
    },
    showOthers(there, me) {
      const sentence = sentenceOf(there, me);
      const editing = there.some((one) => one.editing);
      // Who edits gives the colour, and comes first.
      const faces = there.toSorted((a, b) => Number(b.editing) - Number(a.editing)).slice(0, MOST);
      const shown = JSON.stringify([sentence, faces]);
      if (others.dataset["shown"] === shown) return;
      others.dataset["shown"] = shown;
      const [one] = faces;
      if (one) element.dataset["colour"] = one.colour;
      else delete element.dataset["colour"];
      others.replaceChildren(
        ...faces.map(avatar),
        h("span", { class: editing ? "sentence" : "unseen" }, sentence),
      );
    },
  };
}
