// The list of rooms: what was said last in each, and how much of it is unread; whether there is a connection, and oneself.
import { rooms } from "../shared/chat.ts";
import type { RoomId } from "../shared/chat.ts";
import type { Chat } from "./chat.ts";
import { h, icon } from "./dom.ts";
import { personButton } from "./person.ts";
import type { Room } from "./room.ts";
import { typingSentence } from "./typists.ts";

export interface RoomList {
  readonly elements: readonly HTMLElement[];
  show(open: RoomId | undefined): void;
  focus(): void;
}

const MANY = 99;

export function roomList(chat: Chat): RoomList {
  const person = personButton(chat);
  const state = h("p", { class: "state", role: "status" });
  const links = rooms.map(({ id, name }) => {
    const latest = h("span", { class: "latest" });
    const badge = h("span", { class: "badge" });
    const link = h("a", { href: `#${id}` }, tile(id), h("span", { class: "room-name" }, name), badge, latest);
    return { id, link, latest, badge };
  });
  const heading = h("h1", { id: "rooms", tabindex: "-1" }, "Rooms");
  const nav = h(
    "nav",
    { "aria-labelledby": "rooms" },
    h("ul", {}, ...links.map(({ link }) => h("li", {}, link))),
  );

  return {
    elements: [
      h(
        "div",
        { class: "brand" },
        h("img", { src: "/icon.svg", alt: "", width: "30", height: "30" }),
        heading,
      ),
      nav,
      h("div", { class: "foot" }, state, person.element),
    ],
    show(open) {
      for (const { id, link, latest, badge } of links) {
        const room = chat.rooms.get(id);
        if (!room) continue;
        const unread = room.unread(chat.author);
        if (id === open) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
        link.toggleAttribute("data-unread", unread > 0);
        setText(latest, latestOf(room, chat.author));
        const count = unread > MANY ? `${MANY}+` : String(unread);
        if (badge.dataset["count"] === count) continue;
        badge.dataset["count"] = count;
        badge.replaceChildren(...(unread > 0 ? [count, h("span", { class: "unseen" }, " unread")] : []));
      }
      person.show();
      setText(state, connectionWord(chat));
      state.dataset["state"] = chat.connection.state;
    },
    focus: () => heading.focus(),
  };
}

/** A room's picture. */
export const tile = (id: RoomId): HTMLElement =>
  h("span", { class: "tile", "data-room": id, "aria-hidden": "true" }, icon(id));

export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function latestOf(room: Room, me: string): string {
  const typing = typingSentence(room.typists.names(performance.now()));
  if (typing !== "") return typing;
  const unsent = room.outbox.lines;
  const failed = unsent.filter((line) => line.failed !== undefined).length;
  if (failed > 0) return failed === 1 ? "1 line is not sent" : `${failed} lines are not sent`;
  if (unsent.length > 0 && room.status !== "joined")
    return unsent.length === 1 ? "1 line waits" : `${unsent.length} lines wait`;
  const { last } = room.lines;
  if (last) return `${last.author === me ? "You" : last.name}: ${last.text}`;
  return room.status === "loading" ? "…" : "Nothing said yet";
}

function connectionWord({ connection }: Chat): string {
  if (connection.state === "open")
    return connection.over === "longpoll" ? "Connected by LongPoll" : "Connected";
  if (!navigator.onLine) return "You are offline";
  return connection.state === "connecting" ? "Connecting …" : "No connection, trying again";
}
