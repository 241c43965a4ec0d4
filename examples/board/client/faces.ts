// The faces of the others. Elements are kept by user, so that nobody moves but who comes or goes.
import { h } from "./dom.ts";
import type { Somebody } from "./people.ts";
import { avatar, tabsOf } from "./person.ts";

export interface FacesView {
  readonly element: HTMLElement;
  /** `unnamed`: how many more there are than could be named. */
  show(users: readonly Somebody[], unnamed: number): void;
}

/** So many have a face; a number tells of the others. */
const MOST = 6;

export function facesView(): FacesView {
  const element = h("ul", { class: "faces", "aria-label": "Also here" });
  const shown = new Map<string, { readonly as: string; readonly face: HTMLElement }>();
  const others = h("li", { class: "others" });
  return {
    element,
    show(users, unnamed) {
      const first = users.length > MOST ? users.slice(0, MOST - 1) : users;
      const keys = new Set(first.map(({ key }) => key));
      for (const [key, { face }] of shown) {
        if (keys.has(key)) continue;
        face.remove();
        shown.delete(key);
      }
      let next = element.firstElementChild;
      for (const user of first) {
        const as = `${user.tabs} ${user.colour} ${user.name}`;
        const before = shown.get(user.key);
        const face = before?.face ?? h("li");
        if (before?.as !== as) face.replaceChildren(...faceOf(user));
        shown.set(user.key, { as, face });
        if (face === next) next = face.nextElementSibling;
        else element.insertBefore(face, next);
      }
      const rest = users.slice(first.length);
      const more = rest.length + unnamed;
      others.replaceChildren(
        h("span", { class: "avatar", "aria-hidden": "true", title: names(rest) }, `+${more}`),
        h("span", { class: "unseen" }, `${more} more`),
      );
      if (more > 0) element.append(others);
      else others.remove();
    },
  };
}

const names = (users: readonly Somebody[]): string => users.map(({ name }) => name).join(", ");

function faceOf(user: Somebody): Node[] {
  return [
    avatar(user),
    ...tabsOf(user.tabs),
    h("span", { class: "unseen" }, user.tabs > 1 ? `${user.name}, in ${user.tabs} tabs` : user.name),
  ];
}
