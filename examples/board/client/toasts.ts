// Short messages: seen and heard (toast), or only heard (announce). Equal ones are one with a number; each can be dismissed;
// none covers the field in use.
import { byId, h, icon } from "./dom.ts";
import { placeOf } from "./place.ts";

const SHOWN = 8_000;

interface Toast {
  readonly element: HTMLElement;
  /** What its button does, once for each time that it was said. */
  readonly runs: (() => void)[];
  again(run: () => void): void;
}

/** By what they say. */
const shown = new Map<string, Toast>();

export function toast(text: string, action?: { readonly label: string; readonly run: () => void }): void {
  const key = `${text}\n${action?.label ?? ""}`;
  const run = action?.run ?? (() => undefined);
  const before = shown.get(key);
  if (before) before.again(run);
  else
    shown.set(
      key,
      made(text, action?.label, run, () => shown.delete(key)),
    );
  keepClear();
}

function made(text: string, label: string | undefined, first: () => void, gone: () => void): Toast {
  const runs = [first];
  const count = h("span", { class: "times" });
  const showCount = (): void => void (count.textContent = runs.length > 1 ? `×${runs.length}` : "");
  let timer: ReturnType<typeof setTimeout>;

  const close = (): void => {
    clearTimeout(timer);
    const focused = element.contains(document.activeElement);
    element.remove();
    gone();
    if (focused && cameFrom?.isConnected) cameFrom.focus();
    keepClear();
  };
  // The last one first: it undoes what was done last.
  const act = (): void => {
    runs.pop()?.();
    showCount();
    if (runs.length === 0) close();
  };
  const element = h(
    "div",
    {
      class: "toast",
      "aria-atomic": "true",
      onkeydown: ({ key }: KeyboardEvent) => key === "Escape" && close(),
    },
    h("span", {}, text, count),
    ...(label === undefined ? [] : [h("button", { type: "button", onclick: act }, label)]),
    h("button", { type: "button", class: "dismiss", "aria-label": "Dismiss", onclick: close }, icon("cross")),
  );
  // Who is about to press a button keeps it, and nothing goes that could not be seen.
  const expire = (): void => {
    if (element.matches(":hover, :focus-within") || byId("toasts").dataset["place"] === "nowhere") wait();
    else close();
  };
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(expire, SHOWN);
  };
  wait();
  byId("toasts").append(element);
  return {
    element,
    runs,
    again(run) {
      runs.push(run);
      showCount();
      wait();
    },
  };
}

/** Where the focus was before it came to the toasts. */
let cameFrom: HTMLElement | undefined;

/** Puts the toasts where they cover no field in use. */
function keepClear(): void {
  const toasts = byId("toasts");
  if (shown.size === 0) return;
  const view = visualViewport;
  const bottom = view ? view.offsetTop + view.height : innerHeight;
  const top = document.querySelector("header")?.getBoundingClientRect().bottom ?? 0;
  toasts.style.setProperty("--below", `${Math.max(0, innerHeight - bottom)}px`);
  toasts.style.setProperty("--above", `${Math.max(0, top)}px`);
  const focused = document.activeElement;
  const field = focused?.matches("input, textarea") ? (focused.closest(".card, .add") ?? focused) : undefined;
  const seen = { top, bottom, left: 0, right: innerWidth };
  const place = placeOf(sizeOf(toasts), field?.getBoundingClientRect(), seen);
  if (toasts.dataset["place"] !== place) toasts.dataset["place"] = place;
}

/** With the room that they keep around them. */
function sizeOf(toasts: HTMLElement): { readonly width: number; readonly height: number } {
  const GAP = 16;
  const boxes = [...toasts.children].map((toast) => toast.getBoundingClientRect());
  return {
    width: Math.max(...boxes.map(({ width }) => width)),
    height: boxes.reduce((sum, { height }) => sum + height + GAP / 2, GAP),
  };
}

/** From now on, whatever moves. */
export function watchToasts(): void {
  for (const event of ["focusin", "focusout", "input", "resize"]) addEventListener(event, () => keepClear());
  addEventListener("scroll", () => keepClear(), { capture: true, passive: true });
  visualViewport?.addEventListener("resize", () => keepClear());
  visualViewport?.addEventListener("scroll", () => keepClear());
  byId("toasts").addEventListener("focusin", ({ relatedTarget }) => {
    const from = relatedTarget instanceof HTMLElement ? relatedTarget : undefined;
    if (!from || !byId("toasts").contains(from)) cameFrom = from;
  });
}

export function announce(text: string): void {
  byId("announcements").textContent = text;
}
