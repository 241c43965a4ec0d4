// The first page: a new board, and those seen before.
import { h, icon } from "./dom.ts";
import { newBoardId, titleOf } from "./ids.ts";
import { visited } from "./visited.ts";

export function startPage(page: HTMLElement): void {
  document.title = "Boards";
  const seen = visited();
  page.replaceChildren(
    h(
      "main",
      { class: "start" },
      h("img", { src: "/icon.svg", alt: "", width: "56", height: "56" }),
      h("h1", {}, "Boards"),
      h(
        "p",
        { class: "lead" },
        "Three columns, some cards, and everybody who has the link. What one changes all see at once; what you change offline is sent when you are back.",
      ),
      h("a", { class: "button", href: `#${newBoardId()}` }, icon("plus"), "New board"),
      ...(seen.length > 0
        ? [
            h("h2", {}, "Where you have been"),
            h(
              "ul",
              { class: "boards" },
              ...seen.map(({ id, title }) =>
                h(
                  "li",
                  {},
                  h("a", { href: `#${id}` }, h("strong", {}, title || titleOf(id)), h("small", {}, id)),
                ),
              ),
            ),
          ]
        : []),
    ),
  );
}
