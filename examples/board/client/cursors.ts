// Where the others point. Each visitor's latest word on it is all that exists: it is sent at most twenty times a second,
// kept nowhere, and forgotten by everybody when its author leaves. Too much for presence, which is told to all nodes.
import type { MessageOf } from "@calla/shared";
import { cursors } from "../shared/wiring.ts";
import { client } from "./client.ts";
import { h, icon } from "./dom.ts";
import { me } from "./myself.ts";
import { pointedAt, pointTo } from "./pointing.ts";

const INTERVAL = 50;

type Pointed = MessageOf<typeof cursors>;

/** Draws the cursors over `area`. Returns the end of it. */
export function shareCursors(id: string, area: HTMLElement): () => void {
  const topic = client.topic(cursors, id);
  const layer = h("div", { class: "cursors", "aria-hidden": "true" });
  const drawn = new Map<number, HTMLElement>();
  let at: Pointed["at"] = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const tell = (): void => {
    timer = undefined;
    const person = me();
    if (!person || topic.state.status !== "live") return;
    topic.dispatch({ type: "pointed", ...person, at });
  };
  const point = (next: Pointed["at"]): void => {
    at = next;
    timer ??= setTimeout(tell, INTERVAL);
  };

  const draw = (): void => {
    // While we are away nobody can tell where they are.
    const latest = topic.state.status === "live" ? topic.state.latest : new Map<never, never>();
    for (const [author, element] of drawn) {
      if (latest.has(author)) continue;
      element.remove();
      drawn.delete(author);
    }
    for (const [author, { message }] of latest) {
      const element =
        drawn.get(author) ?? h("div", { class: "cursor" }, icon("arrow"), h("span", { class: "name" }));
      drawn.set(author, element);
      drawCursor(element, message, area);
      layer.append(...(element.isConnected ? [] : [element]));
    }
  };

  const over = new AbortController();
  const { signal } = over;
  area.append(layer);
  area.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(pointedAt(event)), {
    signal,
  });
  area.addEventListener("pointerleave", () => point(null), { signal });
  addEventListener("resize", draw, { signal });
  let live = false;
  const stop = topic.onChange(({ status }) => {
    draw();
    // After a cut nobody knows any more where I point.
    if (status === "live" && !live && at) tell();
    live = status === "live";
  });
  return () => {
    over.abort();
    clearTimeout(timer);
    at = null;
    tell();
    stop();
    layer.remove();
  };
}

function drawCursor(element: HTMLElement, { name, colour, at }: Pointed, area: HTMLElement): void {
  element.dataset["colour"] = colour;
  const label = element.querySelector(".name");
  if (label) label.textContent = name;
  pointTo(at, element, area);
}
