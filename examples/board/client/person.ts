// Who I am: a button with my name that opens a form for name and colour.
import { colours } from "../shared/wiring.ts";
import type { Person } from "../shared/wiring.ts";
import { h } from "./dom.ts";
import { choose } from "./myself.ts";
import { initials } from "./people.ts";

export const avatar = ({ name, colour }: Person): HTMLElement =>
  h("span", { class: "avatar", "data-colour": colour, title: name, "aria-hidden": "true" }, initials(name));

/** The number of somebody's tabs, on their avatar, where it is more than one. */
export const tabsOf = (tabs: number): HTMLElement[] =>
  tabs > 1 ? [h("span", { class: "tabs", "aria-hidden": "true" }, String(tabs))] : [];

/** The button and its form. */
export function personButton(): {
  readonly element: HTMLElement;
  /** `tabs`: in how many I am here. */
  show(person: Person, tabs: number): void;
} {
  const button = h("button", { type: "button", class: "me", popovertarget: "person" });
  const name = h("input", {
    id: "person-name",
    name: "name",
    required: true,
    maxlength: "24",
    autocomplete: "nickname",
  });
  const swatches = colours.map((colour) =>
    h(
      "label",
      { class: "swatch", "data-colour": colour, title: colour },
      h("input", { type: "radio", name: "colour", value: colour }),
      h("span", { class: "unseen" }, colour),
    ),
  );
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const colour = colours.find((colour) => colour === new FormData(form).get("colour")) ?? "blue";
    const person: Person = { name: name.value.trim(), colour };
    form.hidePopover();
    if (person.name === "") return;
    choose(person);
  };
  const form = h(
    "form",
    { id: "person", class: "popover", popover: "auto", onsubmit: submit },
    h("label", { for: "person-name" }, "Your name"),
    name,
    h("fieldset", {}, h("legend", {}, "Your colour"), h("div", { class: "swatches" }, ...swatches)),
    h("button", { class: "button" }, "Save"),
  );
  return {
    element: h("div", {}, button, form),
    show(person, tabs) {
      const face = h("span", { class: "face" }, avatar(person), ...tabsOf(tabs));
      const here = tabs > 1 ? `, in ${tabs} tabs` : "";
      button.replaceChildren(
        face,
        h("span", { class: "name", "aria-hidden": "true" }, person.name),
        h("span", { class: "unseen" }, `You are ${person.name}${here}. Change name or colour`),
      );
      if (form.matches(":popover-open")) return;
      name.value = person.name;
      for (const swatch of swatches) {
        const radio = swatch.querySelector("input");
        if (radio) radio.checked = radio.value === person.colour;
      }
    },
  };
}
