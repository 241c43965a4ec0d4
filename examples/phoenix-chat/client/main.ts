// The page: the list of rooms on the one side, and the room that the address names (`#garden`) on the other. On a narrow
// screen one of the two is shown.
import { isRoom, rooms } from "../shared/chat.ts";
import type { RoomId } from "../shared/chat.ts";
import { Chat } from "./chat.ts";
import { byId } from "./dom.ts";
import { roomList } from "./room-list.ts";
import { nowhere, roomView } from "./room-view.ts";
import type { RoomView } from "./room-view.ts";

let view: RoomView | undefined;
let waiting = false;

/** Once for all that changes in one go. Not by animation frames, which hidden pages do not get. */
function changed(): void {
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => {
    waiting = false;
    show();
  });
}

const chat = new Chat(changed);
const list = roomList(chat);
byId("side").replaceChildren(...list.elements);

const open = (): RoomId | undefined => {
  const id = location.hash.slice(1);
  return isRoom(id) ? id : undefined;
};

function show(): void {
  const id = open();
  view?.show();
  list.show(id);
  const unread = [...chat.rooms.values()].reduce((sum, room) => sum + room.unread(chat.author), 0);
  const name = rooms.find((room) => room.id === id)?.name;
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${name === undefined ? "" : `${name} · `}Rooms`;
}

/** Another room, or none. */
function enter(focus: boolean): void {
  const id = open();
  const room = id && chat.rooms.get(id);
  view?.leave();
  view = room ? roomView(chat, room) : undefined;
  document.body.dataset["screen"] = location.hash.length > 1 ? "room" : "list";
  byId("room").replaceChildren(...(view?.elements ?? nowhere(location.hash.slice(1))));
  view?.entered(focus);
  show();
  if (!view && focus) list.focus();
}

/** Alt and an arrow: the room above or below. */
function step(by: 1 | -1): void {
  const at = rooms.findIndex(({ id }) => id === open());
  const next = rooms[at < 0 ? (by === 1 ? 0 : rooms.length - 1) : (at + by + rooms.length) % rooms.length];
  if (next) location.hash = next.id;
}

byId("skip").addEventListener("click", () => view?.focus());
addEventListener("hashchange", () => enter(true));
addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  step(event.key === "ArrowDown" ? 1 : -1);
});
document.addEventListener("visibilitychange", show);
enter(false);
