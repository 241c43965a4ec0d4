// Who I am: a button with my name that opens a form for name and colour. They live in my session on the server, and
// this browser introduces me again when it comes back as a new visitor.
import { colours } from "../shared/wiring.ts";
import type { Person } from "../shared/wiring.ts";
import { client } from "./client.ts";
import { h } from "./dom.ts";
import { hasChosen, remember, remembered } from "./visited.ts";

/** Two letters for a name. */
function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return words
    .slice(0, 2)
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

export const avatar = ({ name, colour }: Person): HTMLElement =>
  h("span", { class: "avatar", "data-colour": colour, title: name, "aria-hidden": "true" }, initials(name));

/** The number of somebody's tabs, on their avatar, where it is more than one. */
export const tabsOf = (tabs: number): HTMLElement[] =>
  tabs > 1 ? [h("span", { class: "tabs", "aria-hidden": "true" }, String(tabs))] : [];

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

/** Another colour than the server gave; whoever has chosen one keeps it. */
export function takeColour(colour: Person["colour"]): void {
  const person = me();
  if (!person || hasChosen() || colour === person.colour) return;
  remember({ ...person, colour }, "given");
  introduce({ ...person, colour });
}

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
    remember(person, "chosen");
    introduce(person);
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
