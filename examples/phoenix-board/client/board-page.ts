// One board: its topic on the one side, its columns on the other. What a user does becomes a message and a patch; what the
// model becomes is shown.
import type { Socket } from "phoenix";
import { added, deleted, edited, moved, renamed } from "./board.ts";
import type { Board, Edit } from "./board.ts";
import { columnsView } from "./columns.ts";
import { byId, h } from "./dom.ts";
import { movableByKeyboard, movableByPointer } from "./moving.ts";
import { People } from "./people.ts";
import { avatar } from "./person.ts";
import { SyncedTopic } from "./synced-topic.ts";
import type { Identity } from "./synced-types.ts";
import { me, newId } from "./visitor.ts";
import { banner, refusal } from "./words.ts";

const SHOWN = 8_000;

function toast(text: string): void {
  const element = h("div", { class: "toast" }, h("span", {}, text));
  byId("toasts").append(element);
  setTimeout(() => element.remove(), SHOWN);
}

/** Shows the board. `show`: something outside of it has changed. */
export function boardPage(socket: Socket, identity: Identity, id: string): { show(): void; leave(): void } {
  const topic = new SyncedTopic<Board>(socket, identity, `board:${id}`, changed);
  const people = new People(topic, changed);

  async function send({ message, change }: Edit): Promise<void> {
    const why = refusal(await topic.dispatch([message], change));
    if (why !== undefined) toast(why);
  }
  const view = columnsView({
    add: (column, text) => void send(added({ id: newId(), column, text, by: me() })),
    edit: (card, text) => void send(edited(card, text, me())),
    remove: (card) => void send(deleted(card)),
  });
  movableByPointer(view.element, (card, column, before) => void send(moved(card, column, before)));
  movableByKeyboard(
    view.element,
    () => topic.visible?.cards ?? [],
    (card, column, before) => void send(moved(card, column, before)),
  );
  const title = h("input", {
    class: "title",
    "aria-label": "Name of the board",
    placeholder: id,
    maxlength: "60",
    autocomplete: "off",
    onchange: () => void send(renamed(title.value.trim())),
    onkeydown: ({ key }: KeyboardEvent) => key === "Enter" && title.blur(),
  });
  const faces = h("ul", { class: "faces", "aria-label": "Also here" });
  const self = h("span", { class: "me" });
  const other = h("a", { class: "quiet", href: `/#${id}` }, "By Calla’s client");
  const main = h("main", { class: "board" }, h("p", { class: "note" }, "Loading the board …"));
  byId("page").replaceChildren(h("header", {}, h("h1", {}, title), faces, other, self), main);

  const look = (): void => {
    setTimeout(() => {
      const focused = document.activeElement;
      const card = focused?.closest<HTMLElement>(".card")?.dataset["id"] ?? null;
      people.at(card, card !== null && focused?.tagName === "TEXTAREA");
    });
  };
  view.element.addEventListener("focusin", look);
  view.element.addEventListener("focusout", look);

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
  let over = false;
  function show(): void {
    if (over) return;
    people.tell();
    self.replaceChildren(avatar(me()), h("span", { class: "name" }, me().name));
    const said = banner(topic);
    if (byId("connection").textContent !== said)
      byId("connection").replaceChildren(...(said === "" ? [] : [h("p", {}, said)]));
    byId("page").toggleAttribute("data-away", topic.status !== "joined");
    if (topic.status === "closed") return main.replaceChildren(closed(topic.code));
    const { visible, pending } = topic;
    if (!visible) return;
    if (!view.element.isConnected) main.replaceChildren(view.element);
    const unsaved = new Set(pending.flatMap(({ messages }) => messages.map((message) => message["id"])));
    view.show(visible.cards, unsaved, people.others);
    if (document.activeElement !== title) title.value = visible.title;
    document.title = `${visible.title || id} · Boards`;
    const face = (somebody: (typeof people.others)[number]): HTMLElement =>
      h("li", {}, avatar(somebody), h("span", { class: "unseen" }, somebody.name));
    faces.replaceChildren(...people.others.map(face));
  }
  show();
  return {
    show: changed,
    leave() {
      over = true;
      topic.channel.leave();
    },
  };
}

const closed = (code: string): HTMLElement =>
  h(
    "section",
    { class: "note" },
    h("h2", {}, code === "forbidden" ? "This board is private" : "This board cannot be shown"),
    h("p", {}, code === "forbidden" ? "Ask whoever sent you the link." : `The server says: ${code}.`),
  );
