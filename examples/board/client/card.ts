// One card: its text, which a click turns into an editor, a grip to move it by and a button to delete it.
import type { Card } from "../shared/wiring.ts";
import { h, icon } from "./dom.ts";

export interface CardActions {
  edit(id: string, text: string): void;
  remove(id: string): void;
}

export interface CardView {
  readonly element: HTMLElement;
  show(card: Card, pending: boolean): void;
}

export function cardView(first: Card, actions: CardActions): CardView {
  let card = first;
  const grip = h(
    "button",
    { type: "button", class: "grip", "aria-describedby": "how-to-move" },
    icon("grip"),
  );
  const text = h("button", { type: "button", class: "text", title: "Edit", onclick: edit });
  const cross = h(
    "button",
    { type: "button", class: "delete", onclick: () => actions.remove(card.id) },
    icon("cross"),
  );
  const by = h("span", { class: "by" });
  const unsent = h("span", { class: "unsent" }, "Not saved yet");
  const element = h(
    "li",
    { class: "card", "data-id": card.id },
    grip,
    text,
    cross,
    h("p", { class: "foot" }, by, unsent),
  );

  function edit(): void {
    const editor = h("textarea", { class: "text", "aria-label": "Card text", maxlength: "300", rows: "1" });
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
  };
}
