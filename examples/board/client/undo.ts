// What one did oneself on this page, to be taken back and done again. Others' changes are theirs.
import { inverseOf } from "../shared/inverse.ts";
import type { Board, BoardMessage } from "../shared/inverse.ts";

/** One thing done, and what takes it back. */
interface Deed {
  readonly message: BoardMessage;
  readonly inverse: BoardMessage;
}

export interface Undo {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Notes a message before it is dispatched on this board; returns what to call if it is refused. */
  did(message: BoardMessage, board: Board | undefined): () => void;
  /** The last thing done, or the one given if it is still there. */
  undo(message?: BoardMessage): void;
  redo(): void;
}

const MOST = 100;

/** `send` dispatches and says with what board; `changed` is called when there is more or less to undo. */
export function undoOf(send: (message: BoardMessage, note: Undo["did"]) => void, changed: () => void): Undo {
  let done: readonly Deed[] = [];
  let undone: readonly Deed[] = [];

  /** Onto one of the two stacks, and off it again if the server refuses it. */
  const noteOn =
    (put: (change: (deeds: readonly Deed[]) => readonly Deed[]) => void): Undo["did"] =>
    (message, board) => {
      const inverse = board && inverseOf(board, message);
      if (!inverse) return () => {};
      const deed = { message, inverse };
      put((deeds) => [...deeds, deed].slice(-MOST));
      changed();
      return () => {
        put((deeds) => deeds.filter((one) => one !== deed));
        changed();
      };
    };
  const onDone = noteOn((change) => (done = change(done)));
  const onUndone = noteOn((change) => (undone = change(undone)));

  return {
    get canUndo() {
      return done.length > 0;
    },
    get canRedo() {
      return undone.length > 0;
    },
    did(message, board) {
      undone = [];
      return onDone(message, board);
    },
    undo(message) {
      const deed = message ? done.find((one) => one.message === message) : done.at(-1);
      if (!deed) return;
      done = done.filter((one) => one !== deed);
      send(deed.inverse, onUndone);
      changed();
    },
    redo() {
      const deed = undone.at(-1);
      if (!deed) return;
      undone = undone.slice(0, -1);
      send(deed.inverse, onDone);
      changed();
    },
  };
}

/** Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y (⌘ on a Mac), where no text is edited: there they are the text's own. */
export function undoByKeyboard(undo: Undo): () => void {
  const listen = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, shiftKey, target } = event;
    if (!ctrlKey && !metaKey) return;
    if (target instanceof Element && target.matches("input, textarea")) return;
    const letter = key.toLowerCase();
    if (letter === "y" || (letter === "z" && shiftKey)) undo.redo();
    else if (letter === "z") undo.undo();
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", listen);
  return () => removeEventListener("keydown", listen);
}
