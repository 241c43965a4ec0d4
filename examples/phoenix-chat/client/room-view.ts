// A room as it is shown: its head with who is here, its lines, who types, and the field. What is in it is in room.ts.
import { rooms } from "../shared/chat.ts";
import type { Chat } from "./chat.ts";
import { composer } from "./composer.ts";
import { h, icon } from "./dom.ts";
import { logView } from "./log-view.ts";
import { peopleView } from "./people-view.ts";
import type { Room } from "./room.ts";
import { setText, tile } from "./room-list.ts";
import { timeline } from "./timeline.ts";
import { typingSentence } from "./typists.ts";

export interface RoomView {
  readonly elements: readonly HTMLElement[];
  show(): void;
  /** It is in the page. */
  entered(focus: boolean): void;
  leave(): void;
  /** Goes to the field. */
  focus(): void;
}

export function roomView(chat: Chat, room: Room): RoomView {
  const { name = "", about = "" } = rooms.find(({ id }) => id === room.id) ?? {};
  const heading = h("h1", { tabindex: "-1" }, name);
  const log = logView(name, {
    again: (id) => {
      room.outbox.again(id);
      field.focus();
    },
    remove: (id) => {
      room.outbox.remove(id);
      field.focus();
    },
    scrolled: () => read(),
  });
  const earlier = h(
    "button",
    { type: "button", class: "earlier", onclick: () => room.showEarlier() },
    "Show earlier lines",
  );
  const note = h("div", { class: "note" });
  const below = h(
    "button",
    { type: "button", class: "below", onclick: () => (log.toEnd(), read(), field.focus()) },
    icon("down"),
    h("span", {}, "New lines"),
  );
  const typing = h("p", { class: "typing" });
  const notice = h("p", { class: "notice", role: "status" });
  const field = composer({
    name,
    draft: room.draft,
    typed: (text) => room.typed(text),
    send: (text) => {
      room.say(text);
      log.toEnd();
    },
  });
  log.element.prepend(earlier, note);
  const people = peopleView();
  const home = h("a", { href: "#", class: "home", "aria-label": "All rooms" }, icon("back"));
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const typingText = h("span", {});
  typing.append(dots, typingText);

  /** What can be seen has been read. */
  function read(): void {
    const seen = document.visibilityState === "visible" && log.element.isConnected && log.atEnd;
    if (seen) room.markRead();
    below.hidden = seen || log.atEnd || room.unread(chat.author) === 0;
  }

  return {
    elements: [
      h(
        "header",
        {},
        home,
        tile(room.id),
        h("div", { class: "title" }, heading, h("p", {}, about)),
        people.element,
      ),
      h("div", { class: "lines" }, log.element, below),
      h("footer", {}, typing, notice, field.element),
    ],
    show() {
      const { status, lines, outbox } = room;
      const joined = status === "joined";
      // What comes while nobody looks is marked as new.
      if (document.visibilityState === "hidden" && room.unread(chat.author) === 0) room.markNew();
      earlier.hidden = !lines.earlier || !joined;
      showNote(note, room, name);
      people.show(room.people.others(chat.author), joined && room.people.known);
      log.show(
        timeline({
          lines: lines.all,
          unsent: outbox.lines,
          me: { author: chat.author, name: chat.name },
          joined,
          newAfter: room.newAfter,
        }),
      );
      const sentence = typingSentence(room.typists.names(performance.now()));
      setText(typingText, sentence);
      typing.toggleAttribute("data-shown", sentence !== "");
      setText(notice, noticeOf(chat, room));
      read();
    },
    entered(focus) {
      room.look(true);
      room.markNew();
      this.show();
      log.toNew();
      read();
      if (!focus) return;
      // A touch keyboard would cover half of what one came to read.
      if (matchMedia("(pointer: coarse)").matches) heading.focus();
      else field.focus();
    },
    leave() {
      room.look(false);
      room.newAfter = undefined;
    },
    focus: field.focus,
  };
}

/** Where there are no lines: why. */
function showNote(note: HTMLElement, { status, lines, outbox }: Room, name: string): void {
  const nothing = lines.all.length === 0 && outbox.lines.length === 0;
  const kind = !nothing ? "" : status === "joined" || status === "refused" ? status : "loading";
  if (note.dataset["kind"] === kind) return;
  note.dataset["kind"] = kind;
  if (kind === "") return note.replaceChildren();
  if (kind === "refused") return note.replaceChildren(h("p", {}, "The server has no such room any more."));
  if (kind === "loading") return note.replaceChildren(h("p", {}, "Fetching what was said …"));
  note.replaceChildren(h("h2", {}, "Nothing said here yet"), h("p", {}, `Be the first in the ${name}.`));
}

/** Why what is written does not get through, and what becomes of it. */
function noticeOf(chat: Chat, { status, outbox }: Room): string {
  const unsent = outbox.lines.length;
  const stays = chat.kept ? "" : " if this page stays open: the browser cannot keep it";
  if (status === "joined")
    return chat.kept ? "" : "This browser cannot keep lines: what is not sent yet is lost with this page.";
  if (status === "refused") return "";
  if (status === "loading" && chat.connection.state === "connecting") return "";
  const why = navigator.onLine ? "No connection; trying again." : "You are offline.";
  const what =
    unsent === 0
      ? "What you write waits here"
      : unsent === 1
        ? "Your line waits"
        : `Your ${unsent} lines wait`;
  return `${why} ${what} and ${unsent > 1 ? "are" : "is"} sent once when you are back${stays}.`;
}

/** No room is open, or one that there is not. */
export const nowhere = (id: string): HTMLElement[] => [
  h(
    "section",
    { class: "nowhere" },
    h("img", { src: "/icon.svg", alt: "", width: "64", height: "64" }),
    h("h1", {}, id === "" ? "Come in" : "There is no such room"),
    h(
      "p",
      {},
      id === ""
        ? "Choose a room. What is said there is kept for those who come later."
        : "Perhaps the link is an old one. Choose another room.",
    ),
    h("a", { class: "button", href: "#lobby" }, "To the lobby"),
    h("p", { class: "keys" }, h("kbd", {}, "Alt"), " and an arrow key lead from room to room."),
  ),
];
