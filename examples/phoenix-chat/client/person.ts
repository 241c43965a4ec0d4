// Who I am: a button with my name that opens a form to change it.
import { MAX_NAME } from "../shared/chat.ts";
import type { Chat } from "./chat.ts";
import { h } from "./dom.ts";
import { hueOf, initials } from "./names.ts";

export const avatar = (name: string, author: string): HTMLElement =>
  h("span", { class: "avatar", "data-hue": hueOf(author), "aria-hidden": "true" }, initials(name));

export function personButton(chat: Chat): { readonly element: HTMLElement; show(): void } {
  const button = h("button", { type: "button", class: "me", popovertarget: "person" });
  const field = h("input", {
    id: "person-name",
    required: true,
    maxlength: String(MAX_NAME),
    autocomplete: "nickname",
    autofocus: true,
    onfocus: () => field.select(),
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const name = field.value.trim();
    form.hidePopover();
    button.focus();
    if (name !== "") chat.rename(name);
  };
  const form = h(
    "form",
    { id: "person", popover: "auto", onsubmit: submit },
    h("label", { for: "person-name" }, "Your name"),
    field,
    h("p", {}, "What you have said keeps the name that you had."),
    h("button", { class: "button" }, "Save"),
  );
  // Before it opens: `toggle` comes later than that, and would take back what is typed in a hurry.
  form.addEventListener("beforetoggle", ({ newState }) => {
    if (newState === "open") field.value = chat.name;
  });
  let shown = "";
  return {
    element: h("div", { class: "person" }, button, form),
    show() {
      const now = `${chat.author} ${chat.name}`;
      if (shown === now) return;
      shown = now;
      button.replaceChildren(
        avatar(chat.name, chat.author),
        h("span", { class: "name" }, h("bdi", {}, chat.name), " ", h("small", {}, "You · change name")),
      );
    },
  };
}
