// The lines of a room, newest below. Elements are kept by line and moved, never made anew: whoever reads, selects or has
// the focus on one is not disturbed by what others say, and a screen reader hears what is new and nothing else.
import { dayName, momentOf, timeOf } from "./dates.ts";
import { h, icon } from "./dom.ts";
import { pieces } from "./links.ts";
import { hueOf } from "./names.ts";
import { avatar } from "./person.ts";
import type { Entry, LineEntry } from "./timeline.ts";

export interface LogView {
  readonly element: HTMLElement;
  /** Whether what is new is seen: the log stands at its end. */
  readonly atEnd: boolean;
  show(entries: readonly Entry[]): void;
  toEnd(): void;
  /** Where reading goes on: at the mark of what is new, or at the end. */
  toNew(): void;
}

interface Shown {
  readonly element: HTMLElement;
  show(entry: Entry): void;
}

export interface LineActions {
  again(id: string): void;
  remove(id: string): void;
  scrolled(): void;
}

/** Pixels from the end that are still the end. */
const NEAR = 48;

export function logView(name: string, actions: LineActions): LogView {
  const list = h("ol", {});
  const element = h(
    "div",
    {
      class: "log",
      role: "log",
      "aria-label": `Lines in ${name}`,
      tabindex: "0",
      onscroll: actions.scrolled,
    },
    list,
  );
  const shown = new Map<string, Shown>();
  const atEnd = (): boolean => element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
  // Also when a keyboard or another width changes what fits.
  let stayAtEnd = true;
  const scrollTo = (top: number): void => {
    element.scrollTop = top;
    stayAtEnd = atEnd();
  };
  const toEnd = (): void => scrollTo(element.scrollHeight);
  element.addEventListener("scroll", () => void (stayAtEnd = atEnd()));
  new ResizeObserver(() => stayAtEnd && toEnd()).observe(element);

  const isNewLine = ({ kind, key }: Entry): boolean => kind === "line" && !shown.has(key);

  return {
    element,
    get atEnd() {
      return atEnd();
    },
    toEnd,
    toNew() {
      const mark = list.querySelector<HTMLElement>(".new");
      if (mark) scrollTo(mark.offsetTop - element.clientHeight / 3);
      else toEnd();
    },
    show(entries) {
      const focused = document.activeElement;
      const stay = stayAtEnd;
      const anchor = [...list.children].find(
        (child) => child instanceof HTMLElement && child.offsetTop + child.offsetHeight > element.scrollTop,
      ) as HTMLElement | undefined;
      const before = anchor?.offsetTop ?? 0;
      const keys = new Set(entries.map(({ key }) => key));
      // What is new at the end is read out; what was said before one came, or has asked for, is not.
      const known = entries.findIndex(({ key, kind }) => kind === "line" && shown.has(key));
      const past = known < 0 || entries.slice(0, known).some(isNewLine);
      element.setAttribute("aria-live", past ? "off" : "polite");
      for (const [key, one] of shown) {
        if (keys.has(key)) continue;
        one.element.remove();
        shown.delete(key);
      }
      let next = list.firstElementChild;
      for (const entry of entries) {
        const one = shown.get(entry.key) ?? made(entry, actions);
        one.show(entry);
        shown.set(entry.key, one);
        if (one.element === next) next = next.nextElementSibling;
        else list.insertBefore(one.element, next);
      }
      if (focused instanceof HTMLElement && focused.isConnected && focused !== document.activeElement)
        focused.focus({ preventScroll: true });
      if (stay) toEnd();
      else if (anchor?.isConnected) element.scrollTop += anchor.offsetTop - before;
    },
  };
}

function made(entry: Entry, actions: LineActions): Shown {
  if (entry.kind === "line") return lineView(entry, actions);
  if (entry.kind === "new") {
    return { element: h("li", { class: "new" }, h("span", {}, "New")), show: () => undefined };
  }
  const text = h("span", {});
  return {
    element: h("li", { class: "day" }, text),
    show(day) {
      const name = day.kind === "day" ? dayName(day.at, Date.now()) : "";
      if (text.textContent !== name) text.textContent = name;
    },
  };
}

function lineView(line: LineEntry, actions: LineActions): Shown {
  const { author, name, text, own } = line;
  const id = line.key.slice(line.key.indexOf(":") + 1);
  const time = h("time", {});
  const bubble = h(
    "p",
    { class: "bubble" },
    // Each line says whose it is to those who hear it.
    h("span", { class: "unseen" }, `${own ? "You" : name}: `),
    ...pieces(text).map(({ text, href }) =>
      href === undefined ? text : h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text),
    ),
  );
  const state = h("div", { class: "line-state" });
  const element = h(
    "li",
    { class: own ? "line own" : "line" },
    ...(own ? [] : [avatar(name, author)]),
    h(
      "p",
      { class: "who" },
      ...(own
        ? []
        : [h("bdi", { class: "name", "data-hue": hueOf(author), "aria-hidden": "true" }, name), " "]),
      time,
    ),
    bubble,
    state,
  );
  let before = "";
  return {
    element,
    show(entry) {
      if (entry.kind !== "line") return;
      element.toggleAttribute("data-first", entry.first);
      element.toggleAttribute("data-last", entry.last);
      const now = `${entry.state} ${entry.failed ?? ""} ${entry.at}`;
      if (now === before) return;
      before = now;
      element.dataset["state"] = entry.state;
      time.dateTime = new Date(entry.at).toISOString();
      time.textContent = timeOf(entry.at);
      bubble.title = momentOf(entry.at);
      state.replaceChildren(...stateOf(entry, id, actions));
    },
  };
}

function stateOf({ state, failed, text }: LineEntry, id: string, actions: LineActions): Node[] {
  if (state === "said") return [];
  if (state === "sending") return [h("span", {}, "Sending …")];
  if (state === "waiting") return [icon("clock"), h("span", {}, "Waiting for a connection")];
  const button = (label: string, run: () => void): HTMLElement =>
    h("button", { type: "button", "aria-label": `${label}: ${text.slice(0, 60)}`, onclick: run }, label);
  return [
    icon("alert"),
    h("span", {}, `Not sent. ${failed ?? ""}`),
    button("Again", () => actions.again(id)),
    button("Remove", () => actions.remove(id)),
  ];
}
