// Elements in one call. Text only ever becomes text nodes, never markup.
type Properties = Readonly<Record<string, string | boolean | ((event: never) => void)>>;

/** `h("button", { type: "button", onclick: close }, "Close")` */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** The icons' paths, in a box of 24 by 24. */
const paths = {
  back: "M15 5l-7 7 7 7",
  down: "M12 5v14M6 13l6 6 6-6",
  send: "M5 12h13M12 5l7 7-7 7",
  clock: "M12 7v5l3 2M12 3a9 9 0 1 0 .01 0",
  alert: "M12 8v5M12 16.5v.01M12 3a9 9 0 1 0 .01 0",
  lobby: "M7 21V3h10v18M4 21h16M14 12v.5",
  garden: "M5 20C4 10 10 4 20 4c0 10-5 15-13 13M5 20c2-5 5-8 9-10",
  kitchen: "M5 10h14v7a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3zM2 12h3M19 12h3M9 7V4M12 7V3M15 7V4",
  library: "M5 19V5a2 2 0 0 1 2-2h12v18H7a2 2 0 0 1 0-4h12M9 7h6",
  workshop:
    "M20 7a5 5 0 0 1-6.500 5.500L7 19a2.100 2.100 0 0 1-3-3l6.500-6.500A5 5 0 0 1 16 3l-2.500 3.500 1 3 3 1z",
} as const;

export function icon(name: keyof typeof paths): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** The element of index.html with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element "${id}".`);
  return element;
}
