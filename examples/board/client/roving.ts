// One tab stop for a whole list, however long it is: Tab goes into the list and out of it, arrow keys go about inside.
export interface Roving {
  /** To be called when items came, went or moved: one of them remains the list's tab stop. */
  refresh(): void;
  stop(): void;
}

/**
 * Up and down go from item to item, left and right between an item's parts, Home and End to the ends. `parts` selects what
 * takes the focus; `main` is the part at which one comes in.
 */
export function roving(list: HTMLElement, parts: string, main: string): Roving {
  let stop: HTMLElement | undefined;
  const all = (within: Element = list): HTMLElement[] => [...within.querySelectorAll<HTMLElement>(parts)];

  const refresh = (): void => {
    const there = all();
    const focused = there.find((part) => part === document.activeElement);
    // An open editor is the stop itself.
    if (list.querySelector("textarea")) stop = undefined;
    else
      stop =
        focused ?? there.find((part) => part === stop) ?? list.querySelector<HTMLElement>(main) ?? undefined;
    for (const part of there) part.tabIndex = part === stop ? 0 : -1;
  };

  const goTo = (event: KeyboardEvent): void => {
    const { key, target, altKey, ctrlKey, metaKey, shiftKey, defaultPrevented } = event;
    if (defaultPrevented || altKey || ctrlKey || metaKey || shiftKey) return;
    const part = target instanceof Element ? target.closest<HTMLElement>(parts) : null;
    if (!part || !list.contains(part)) return;
    const next = neighbour(part, key);
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  const over = new AbortController();
  const { signal } = over;
  list.addEventListener("focusin", refresh, { signal });
  // Behind the event an editor may have become a text again.
  list.addEventListener("focusout", () => queueMicrotask(refresh), { signal });
  list.addEventListener("keydown", goTo, { signal });

  function neighbour(part: HTMLElement, key: string): HTMLElement | undefined {
    const items = [...list.children].filter((item) => all(item).length > 0);
    const at = items.findIndex((item) => item.contains(part));
    const beside = items[at] ? all(items[at]) : [];
    const place = beside.indexOf(part);
    const inItem = (item: Element | undefined): HTMLElement | undefined =>
      item && (all(item)[place] ?? all(item)[0]);
    switch (key) {
      case "ArrowUp":
        return inItem(items[Math.max(at - 1, 0)]);
      case "ArrowDown":
        return inItem(items[Math.min(at + 1, items.length - 1)]);
      case "Home":
        return inItem(items[0]);
      case "End":
        return inItem(items.at(-1));
      case "ArrowLeft":
        return beside[Math.max(place - 1, 0)];
      case "ArrowRight":
        return beside[Math.min(place + 1, beside.length - 1)];
      default:
        return undefined;
    }
  }

  refresh();
  return { refresh, stop: () => over.abort() };
}
