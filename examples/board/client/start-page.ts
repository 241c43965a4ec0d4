// The first page: a new board, and those seen before; for who comes first, a board that says what to try.
import { h, icon } from "./dom.ts";
import { newBoardId, titleOf } from "./ids.ts";
import { roving } from "./roving.ts";
import { statusLine } from "./connection.ts";
import { visited } from "./visited.ts";

export function startPage(page: HTMLElement): void {
  document.title = "Boards";
  const seen = visited();
  const start = (id: string, ...label: readonly (Node | string)[]) => ({
    first: h("a", { class: "button", href: `#${id}` }, ...label),
    second: h("a", { class: "button second", href: `#${id}` }, ...label),
  });
  const example = start(`example-${newBoardId()}`, "Look at an example");
  const fresh = start(newBoardId(), icon("plus"), "New board");
  const list = h(
    "ul",
    { class: "boards", "aria-labelledby": "seen" },
    ...seen.map(({ id, title }) =>
      h("li", {}, h("a", { href: `#${id}` }, h("strong", {}, title || titleOf(id)), h("small", {}, id))),
    ),
  );
  roving(list, "a", "a");
  page.replaceChildren(
    h("header", { class: "plain" }, statusLine),
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
      h(
        "p",
        { class: "starts" },
        ...(seen.length > 0 ? [fresh.first, example.second] : [example.first, fresh.second]),
      ),
      ...(seen.length > 0 ? [h("h2", { id: "seen" }, "Where you have been"), list] : []),
    ),
  );
}
