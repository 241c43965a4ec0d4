// What one does on a board, as messages: each can be undone, and where the server refuses one, what was written comes back.
import type { Topic } from "@calla/client";
import type { BoardMessage } from "../shared/inverse.ts";
import type { board, Column } from "../shared/wiring.ts";
import type { Move } from "./moving.ts";
import { me } from "./myself.ts";
import { newId } from "./ids.ts";
import { rejected } from "./rejected.ts";
import { toast } from "./toasts.ts";
import { undoOf } from "./undo.ts";
import type { Undo } from "./undo.ts";

export interface Actions {
  readonly undo: Undo;
  readonly move: Move;
  rename(title: string): void;
  add(column: Column, text: string): void;
  edit(id: string, text: string): void;
  remove(id: string): void;
}

/** `changed` is called when there is more or less to undo. */
export function actionsOn(id: string, topic: Topic<typeof board>, changed: () => void): Actions {
  const by = () => me() ?? ({ name: "Somebody", colour: "blue" } as const);
  const sendNoting = (message: BoardMessage, note: Undo["did"]): void => {
    const { model } = topic.state;
    const takeBack = note(message, model);
    const was = "id" in message ? model?.cards.find((card) => card.id === message.id) : undefined;
    // By me, also where I undo: so the server stamps it, and so it is shown until then.
    const mine = "by" in message ? { ...message, by: by() } : message;
    void topic.dispatch(mine).rejection.then((rejection) => {
      if (!rejection) return;
      takeBack();
      rejected(id, message, rejection, was?.column);
    });
  };
  const undo = undoOf(sendNoting, changed);
  const send = (message: BoardMessage): void => sendNoting(message, undo.did);
  return {
    undo,
    move: (card, column, before) => send({ type: "cardMoved", id: card, column, before }),
    rename: (title) => send({ type: "boardRenamed", title }),
    add: (column, text) => send({ type: "cardAdded", id: newId(), column, text, by: by(), before: null }),
    edit: (card, text) => send({ type: "cardEdited", id: card, text, by: by() }),
    remove(card) {
      const message = { type: "cardDeleted", id: card } as const;
      send(message);
      toast("Card deleted.", { label: "Undo", run: () => undo.undo(message) });
    },
  };
}
