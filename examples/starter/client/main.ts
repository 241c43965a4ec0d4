// Shows the board. The elements of a card stay the same as long as the card is there, so nobody's focus is lost.
import { RejectedError } from "@calla/client";
import { board, columns } from "../shared/board.ts";
import type { Card } from "../shared/board.ts";
import { boardId, client, myName, sentence } from "./board.ts";

const topic = client.topic(board, boardId());
addEventListener("hashchange", () => location.reload());

/** `h("button", { onclick: save }, "Save")` */
function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const status = h("p", { role: "status" });
const people = h("p", { ariaLabel: "Here" });
const notice = h("p", { role: "alert" });

/** Shown at once; if the server decides otherwise, it is taken back and said why. */
async function decided(write: { readonly applied: Promise<unknown> }): Promise<void> {
  notice.textContent = "";
  try {
    await write.applied;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    notice.textContent = error.code === "full" ? "The board is full." : "Somebody has removed that card.";
  }
}

function cardElement({ id }: Card) {
  const text = h("input", {
    ariaLabel: "Card",
    maxLength: 200,
    onchange: () => {
      if (text.value.trim() !== "") void decided(topic.dispatch({ type: "edited", id, text: text.value }));
    },
  });
  const column = h("select", {
    ariaLabel: "Column",
    onchange: () =>
      void decided(topic.dispatch({ type: "moved", id, column: column.value as Card["column"] })),
  });
  column.append(...columns.map((name) => h("option", {}, name)));
  const remove = () => void decided(topic.dispatch({ type: "removed", id }));
  const element = h("li", {}, text, column, h("button", { ariaLabel: "Remove", onclick: remove }, "×"));
  const show = (card: Card): HTMLLIElement => {
    if (document.activeElement !== text) text.value = card.text;
    column.value = card.column;
    return element;
  };
  return { show };
}

const shown = new Map<string, ReturnType<typeof cardElement>>();
const lists = columns.map((name) => {
  const field = h("input", { ariaLabel: `New card in ${name}`, maxLength: 200, placeholder: "New card" });
  const list = h("ul");
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    if (field.value.trim() === "") return;
    void decided(topic.dispatch({ type: "added", id: crypto.randomUUID(), column: name, text: field.value }));
    field.value = "";
  };
  const form = h("form", { onsubmit: add }, field, h("button", {}, "Add"));
  return { name, list, element: h("section", { ariaLabel: name }, h("h2", {}, name), list, form) };
});

topic.onChange(({ status, model }) => {
  if (status === "refused") notice.textContent = "This board is not for you.";
  if (!model) return;
  const gone = new Set(shown.keys());
  for (const { id } of model.cards) {
    gone.delete(id);
    if (!shown.has(id)) shown.set(id, cardElement(model.cards.find((card) => card.id === id)!));
  }
  for (const id of gone) shown.delete(id);
  for (const { name, list } of lists) {
    const elements = model.cards
      .filter(({ column }) => column === name)
      .map((card) => shown.get(card.id)!.show(card));
    const same =
      elements.length === list.children.length && elements.every((one, at) => list.children[at] === one);
    if (!same) list.replaceChildren(...elements);
  }
});

const connected = (): void => void (status.textContent = sentence(client.status));
client.onStatus(connected);
connected();

topic.presence.track({ name: myName });
topic.presence.onChange(({ status, list }) => {
  const names = [...list.values()].flat().map(({ meta, self }) => (self ? `${meta.name} (you)` : meta.name));
  people.textContent = status === "live" ? names.toSorted().join(", ") : "";
});

document
  .querySelector("#board")!
  .append(
    h("header", {}, h("h1", {}, "Board"), people, status),
    notice,
    h("div", { className: "columns" }, ...lists.map(({ element }) => element)),
  );
