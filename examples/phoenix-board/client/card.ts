// One card: its text, which a click turns into an editor, a grip to move it by, a button to delete it, and who is at it.
import type { Card } from "./board.ts";
import { h, icon } from "./dom.ts";
import type { Somebody } from "./people.ts";
import { avatar } from "./person.ts";

export interface CardActions {
  edit(id: string, text: string): void;
  remove(id: string): void;
}
export interface CardView {
  readonly element: HTMLElement;
  show(card: Card, pending: boolean, others: readonly Somebody[]): void;
}

export function cardView(first: Card, actions: CardActions): CardView {
  let card = first;
  const grip = h("button", { type: "button", class: "grip" }, icon("grip"));
  const remove = (): void => actions.remove(card.id);
  const cross = h("button", { type: "button", class: "delete", onclick: remove }, icon("cross"));
  const text = h("button", { type: "button", class: "text", title: "Edit", onclick: edit });
  const by = h("span", { class: "by" });
  const unsent = h("span", { class: "unsent" }, "Not saved yet");
  const at = h("p", { class: "at" });
  const element = h(
    "li",
    { class: "card", "data-id": card.id, draggable: "true" },
    grip,
    text,
    cross,
    h("p", { class: "foot" }, by, unsent),
    at,
  );

  function edit(): void {
    const editor = h("textarea", { class: "text", "aria-label": "Card text", maxlength: "300", rows: "1" });
    editor.value = card.text;
    let open = true;
    const close = (keep: boolean): void => {
      if (!open) return;
      open = false;
      editor.replaceWith(text);
      element.draggable = true;
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
    element.draggable = false; // or its text could not be selected
    text.replaceWith(editor);
    editor.focus();
  }

  return {
    element,
    show(next, pending, others) {
      card = next;
      text.textContent = card.text;
      grip.setAttribute("aria-label", `Move “${card.text}”`);
      cross.setAttribute("aria-label", `Delete “${card.text}”`);
      by.textContent = card.by.name;
      by.dataset["colour"] = card.by.colour;
      element.toggleAttribute("data-pending", pending);
      const [one] = others;
      if (one) element.dataset["colour"] = one.colour;
      else delete element.dataset["colour"];
      const editors = others.filter(({ editing }) => editing).map(({ name }) => name);
      const verb = editors.length === 1 ? "edits" : "edit";
      const sentence = editors.length === 0 ? [] : [`${editors.join(" and ")} ${verb} this card`];
      at.replaceChildren(
        ...others.slice(0, 3).map(avatar),
        ...sentence.map((said) => h("span", { class: "sentence" }, said)),
      );
    },
  };
}
