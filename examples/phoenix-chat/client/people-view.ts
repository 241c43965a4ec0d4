// The faces of those who look at a room, and how many they are. Elements are kept by author, so that only who comes moves.
import { h } from "./dom.ts";
import { avatar } from "./person.ts";
import type { Somebody } from "./people.ts";
import { setText } from "./room-list.ts";

export interface PeopleView {
  readonly element: HTMLElement;
  /** `known`: whether the page is told who is here. If not, nobody is shown. */
  show(others: { readonly named: readonly Somebody[]; readonly count: number }, known: boolean): void;
}

/** So many have a face; the number tells of the others. */
const MOST = 5;

export function peopleView(): PeopleView {
  const faces = h("ul", { class: "faces", "aria-label": "Also here" });
  const count = h("span", { class: "people-count" });
  const element = h("div", { class: "people" }, faces, count);
  const shown = new Map<string, { readonly as: string; readonly face: HTMLElement }>();
  return {
    element,
    show({ named, count: others }, known) {
      // What a page that is cut off shows is what it knew: it goes a moment later, for most cuts are short (style.css).
      element.toggleAttribute("data-away", !known);
      if (!known) return;
      const first = named.slice(0, MOST);
      const authors = new Set(first.map(({ author }) => author));
      for (const [author, { face }] of shown) {
        if (authors.has(author)) continue;
        face.remove();
        shown.delete(author);
      }
      let before: HTMLElement | undefined;
      for (const somebody of first) {
        const { author } = somebody;
        const as = `${somebody.tabs} ${somebody.name}`;
        let entry = shown.get(author);
        if (!entry) shown.set(author, (entry = { as, face: h("li", {}, ...faceOf(somebody)) }));
        else if (entry.as !== as) {
          entry.face.replaceChildren(...faceOf(somebody));
          shown.set(author, { ...entry, as });
        }
        const place = before ? before.nextElementSibling : faces.firstElementChild;
        if (place !== entry.face) faces.insertBefore(entry.face, place);
        before = entry.face;
      }
      setText(count, others === 0 ? "Only you" : `${others + 1} here`);
    },
  };
}

function faceOf({ author, name, tabs }: Somebody): (HTMLElement | string)[] {
  const face = avatar(name, author);
  face.title = name;
  if (tabs === 1) return [face, h("span", { class: "unseen" }, name)];
  return [
    face,
    h("span", { class: "tabs", "aria-hidden": "true" }, String(tabs)),
    h("span", { class: "unseen" }, `${name}, in ${tabs} tabs`),
  ];
}
