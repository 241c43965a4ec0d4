// The field to write in: Enter sends, Shift and Enter begin a new line.
import { MAX_TEXT } from "../shared/chat.ts";
import { h, icon } from "./dom.ts";

export interface Composer {
  readonly element: HTMLElement;
  focus(): void;
}

/** So many characters before the end, how many are left is shown. */
const SHOW_LEFT = 120;

export function composer(options: {
  readonly name: string;
  readonly draft: string;
  send(text: string): void;
  typed(text: string): void;
}): Composer {
  const field = h("textarea", {
    id: "say",
    rows: "1",
    "aria-label": `Say something in ${options.name}`,
    placeholder: `Say something in ${options.name}`,
    maxlength: String(MAX_TEXT),
    enterkeyhint: "send",
    autocomplete: "off",
    "aria-describedby": "left",
  });
  const left = h("span", { id: "left", class: "left" });
  const button = h("button", { class: "send", "aria-label": "Send" }, icon("send"));
  const show = (): void => {
    // What `field-sizing` does where a browser has it.
    field.rows = Math.min(6, field.value.split("\n").length);
    const rest = MAX_TEXT - field.value.length;
    left.textContent = rest <= SHOW_LEFT ? `${rest} left` : "";
    button.disabled = field.value.trim() === "";
  };
  const send = (): void => {
    const text = field.value.trim();
    if (text === "") return;
    field.value = "";
    show();
    options.typed("");
    options.send(text);
    field.focus();
  };
  field.addEventListener("input", () => {
    show();
    options.typed(field.value);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    send();
  };
  field.value = options.draft;
  show();
  return {
    element: h("form", { class: "composer", onsubmit: submit }, field, left, button),
    focus: () => field.focus({ preventScroll: true }),
  };
}
