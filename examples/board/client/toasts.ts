// Short messages: seen and heard (toast), or only heard (announce).
import { byId, h } from "./dom.ts";

const SHOWN = 8_000;

export function toast(text: string, action?: { readonly label: string; readonly run: () => void }): void {
  const close = (): void => element.remove();
  const act = (): void => {
    close();
    action?.run();
  };
  const element = h(
    "div",
    { class: "toast" },
    h("span", {}, text),
    ...(action ? [h("button", { type: "button", onclick: act }, action.label)] : []),
  );
  // Who is about to press the button keeps it.
  const expire = (): void => {
    if (element.matches(":hover, :focus-within")) setTimeout(expire, SHOWN);
    else close();
  };
  setTimeout(expire, SHOWN);
  byId("toasts").append(element);
}

export function announce(text: string): void {
  byId("announcements").textContent = text;
}
