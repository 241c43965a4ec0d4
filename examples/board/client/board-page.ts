// One board: its topic on the one side, its columns on the other. What a user does becomes a message; what the model
// becomes is shown.
import type { TopicState } from "@calla/client";
import { board } from "../shared/wiring.ts";
import { actionsOn } from "./actions.ts";
import { boardHead } from "./board-head.ts";
import { client } from "./client.ts";
import { columnsView } from "./columns.ts";
import { shareCursors } from "./cursors.ts";
import { h } from "./dom.ts";
import { titleOf } from "./ids.ts";
import { movableByKeyboard } from "./keyboard.ts";
import { movableByPointer } from "./moving.ts";
import { sharePresence } from "./presence.ts";
import { onReturned, takeReturned } from "./returned.ts";
import { undoByKeyboard } from "./undo.ts";
import { visit } from "./visited.ts";

/** Shows the board; returns the end of it. */
export function boardPage(page: HTMLElement, id: string): () => void {
  const topic = client.topic(board, id);
  const cards = () => topic.state.model?.cards ?? [];
  const actions = actionsOn(id, topic, () => head.showUndo());
  const view = columnsView({ ...actions, returned: (column) => takeReturned(id, column) });
  const head = boardHead(id, actions.rename, actions.undo);
  const presence = sharePresence(topic, page, head, view);
  const main = h("main", { class: "board" });
  page.replaceChildren(head.element, main);

  function show(state: TopicState<typeof board>): void {
    head.show(state);
    if (state.status === "loading")
      return main.replaceChildren(h("p", { class: "note" }, "Loading the board …"));
    if (state.status === "refused") return main.replaceChildren(refusal(id));
    const { model, pending } = state;
    if (!view.element.isConnected) main.replaceChildren(howToMove(), view.element);
    const unconfirmed = pending.flatMap(({ messages }) => messages);
    view.show(model.cards, new Set(unconfirmed.flatMap((one) => ("id" in one ? [one.id] : []))));
    presence.show();
    const name = `${model.title || titleOf(id)} · Boards`;
    if (document.title === name) return;
    document.title = name;
    visit({ id, title: model.title });
  }
  const stops = [
    topic.onChange(show),
    client.session.onChange(head.showMe),
    undoByKeyboard(actions.undo),
    movableByPointer(view.element, actions.move),
    movableByKeyboard(view.element, cards, actions.move, view.showHeld),
    onReturned(id, view.showReturned),
    shareCursors(id, view.element),
    () => presence.stop(),
  ];
  view.showReturned();
  show(topic.state);
  head.showMe();
  head.showUndo();
  return () => {
    for (const stop of stops) stop();
  };
}

const howToMove = (): HTMLElement =>
  h(
    "p",
    { id: "how-to-move", class: "unseen" },
    "Arrow keys go from card to card, and within a card. Enter here picks the card up: arrow keys move it then, Enter puts it down. Alt and an arrow key move it from anywhere on it; Delete deletes it.",
  );

const refusal = (id: string): HTMLElement =>
  h(
    "section",
    { class: "note" },
    h("h2", {}, id.startsWith("private-") ? "This board is private" : "There is no such board"),
    h("p", {}, "Ask whoever sent you the link, or start a board of your own."),
    h("a", { class: "button", href: "#" }, "All boards"),
  );
