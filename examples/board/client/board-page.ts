// One board: its topic on the one side, its columns on the other. What a user does becomes a message; what the model
// becomes is shown.
import type { TopicState } from "@calla/client";
import type { BoardMessage } from "../shared/inverse.ts";
import { board } from "../shared/wiring.ts";
import type { Column } from "../shared/wiring.ts";
import { boardHead } from "./board-head.ts";
import { client } from "./client.ts";
import { columnsView } from "./columns.ts";
import { shareCursors } from "./cursors.ts";
import { h } from "./dom.ts";
import { newId, titleOf } from "./ids.ts";
import { movableByKeyboard } from "./keyboard.ts";
import { movableByPointer } from "./moving.ts";
import { me } from "./person.ts";
import { sharePresence } from "./presence.ts";
import { rejected } from "./rejected.ts";
import { onReturned, takeReturned } from "./returned.ts";
import { toast } from "./toasts.ts";
import { undoByKeyboard, undoOf } from "./undo.ts";
import type { Undo } from "./undo.ts";
import { visit } from "./visited.ts";

/** Shows the board; returns the end of it. */
export function boardPage(page: HTMLElement, id: string): () => void {
  const topic = client.topic(board, id);
  const cards = () => topic.state.model?.cards ?? [];
  const by = () => me() ?? ({ name: "Somebody", colour: "blue" } as const);

  function dispatch(message: BoardMessage, note: Undo["did"]): void {
    const takeBack = note(message, topic.state.model);
    const was = "id" in message ? cards().find((card) => card.id === message.id) : undefined;
    // By me, also where I undo: so the server stamps it, and so it is shown until then.
    const mine = "by" in message ? { ...message, by: by() } : message;
    void topic.dispatch(mine).rejection.then((rejection) => {
      if (!rejection) return;
      takeBack();
      rejected(id, message, rejection, was?.column);
    });
  }
  const undo = undoOf(dispatch, () => head.showUndo());
  const send = (message: BoardMessage): void => dispatch(message, undo.did);

  const view = columnsView({
    returned: (column) => takeReturned(id, column),
    add: (column, text) => send({ type: "cardAdded", id: newId(), column, text, by: by(), before: null }),
    edit: (cardId, text) => send({ type: "cardEdited", id: cardId, text, by: by() }),
    remove(cardId) {
      const message = { type: "cardDeleted", id: cardId } as const;
      send(message);
      toast("Card deleted.", { label: "Undo", run: () => undo.undo(message) });
    },
  });

  const move = (cardId: string, column: Column, before: string | null): void => {
    send({ type: "cardMoved", id: cardId, column, before });
  };
  movableByPointer(view.element, move);
  movableByKeyboard(view.element, cards, move);

  const head = boardHead(id, (title) => send({ type: "boardRenamed", title }), undo);
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
    undoByKeyboard(undo),
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
