// Where the others point, and who they are. Each visitor's latest word on it is all that exists: it is sent at most
// twenty times a second, kept nowhere, and forgotten by everybody when its author leaves.
import type { MessageOf } from "@calla/shared";
import { cursors } from "../shared/wiring.ts";
import type { Column } from "../shared/wiring.ts";
import { client } from "./client.ts";
import { h, icon } from "./dom.ts";
import { avatar, me } from "./person.ts";

const INTERVAL = 50;

type Pointed = MessageOf<typeof cursors>;

/** Draws the cursors over `area` and the visitors' faces into `faces`. Returns the end of it. */
export function shareCursors(id: string, area: HTMLElement, faces: HTMLElement): () => void {
  const topic = client.topic(cursors, id);
  const layer = h("div", { class: "cursors", "aria-hidden": "true" });
  const drawn = new Map<number, HTMLElement>();
  let at: Pointed["at"] = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let told = "";

  const tell = (): void => {
    timer = undefined;
    const person = me();
    if (!person || topic.status !== "live") return;
    told = `${person.name} ${person.colour}`;
    topic.dispatch({ type: "pointed", ...person, at });
  };
  const point = (next: Pointed["at"]): void => {
    at = next;
    timer ??= setTimeout(tell, INTERVAL);
  };

  const draw = (): void => {
    // While we are away nobody can tell where they are.
    const latest = topic.status === "live" ? topic.latest : new Map<never, never>();
    const others = [...latest];
    for (const [author, element] of drawn) {
      if (latest.has(author)) continue;
      element.remove();
      drawn.delete(author);
    }
    for (const [author, { message }] of others) {
      const element =
        drawn.get(author) ?? h("div", { class: "cursor" }, icon("arrow"), h("span", { class: "name" }));
      drawn.set(author, element);
      drawCursor(element, message, area);
      layer.append(...(element.isConnected ? [] : [element]));
    }
    faces.replaceChildren(
      ...others.map(([, { message }]) =>
        h("li", {}, avatar(message), h("span", { class: "unseen" }, message.name)),
      ),
    );
  };

  const over = new AbortController();
  const { signal } = over;
  area.append(layer);
  area.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(placeOf(event)), {
    signal,
  });
  area.addEventListener("pointerleave", () => point(null), { signal });
  addEventListener("resize", draw, { signal });
  // Those who were here before me hear of me when I join, when I rejoin and when I change my name.
  let joined = false;
  const introduce = (): void => {
    const person = me();
    const live = topic.status === "live";
    if (live && person && (!joined || told !== `${person.name} ${person.colour}`)) tell();
    joined = live;
  };
  const stops = [
    topic.onChange(() => {
      draw();
      introduce();
    }),
    client.session.onChange(introduce),
  ];
  return () => {
    over.abort();
    clearTimeout(timer);
    at = null;
    tell();
    for (const stop of stops) stop();
  };
}

function placeOf({ clientX, clientY }: PointerEvent): Pointed["at"] {
  const column = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement>(".column");
  if (!column) return null;
  const { left, top, width } = column.getBoundingClientRect();
  return {
    column: column.dataset["column"] as Column,
    x: (clientX - left) / width,
    y: Math.round(clientY - top),
  };
}

function drawCursor(element: HTMLElement, { name, colour, at }: Pointed, area: HTMLElement): void {
  const column = at && area.querySelector<HTMLElement>(`[data-column="${at.column}"]`);
  element.hidden = !column;
  element.dataset["colour"] = colour;
  const label = element.querySelector(".name");
  if (label) label.textContent = name;
  if (!column) return;
  const x = column.offsetLeft + at.x * column.offsetWidth;
  const y = column.offsetTop + Math.min(at.y, column.offsetHeight);
  element.style.translate = `${x}px ${y}px`;
}
