// Shows one room of the chat: /#garden is another than /#lobby.
import { Socket } from "phoenix";
import { Room } from "./room.ts";

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

const me = (localStorage["name"] ??= `Visitor ${Math.floor(Math.random() * 900) + 100}`) as string;
const socket = new Socket("/socket", { params: { name: me }, longPollFallbackMs: 3_000 });
socket.connect();
const room = new Room(socket, location.hash.slice(1) || "lobby", show);
addEventListener("hashchange", () => location.reload());

const status = h("p", { role: "status" });
const people = h("p", { ariaLabel: "Here" });
const lines = h("ol", { ariaLabel: "Lines" });
const notice = h("p", { role: "alert" });
const field = h("input", {
  ariaLabel: "Say something",
  maxLength: 1_000,
  autocomplete: "off",
  oninput: () => room.typing(field.value !== ""),
});
const say = (event: SubmitEvent): void => {
  event.preventDefault();
  if (field.value.trim() === "") return;
  room.say(field.value);
  room.typing(false);
  field.value = "";
};
const form = h("form", { onsubmit: say }, field, h("button", {}, "Say"));

function show(): void {
  const waiting = room.waiting.size;
  const offline = waiting === 0 ? "Offline" : `Offline: ${waiting} not said yet; keep this page open`;
  status.textContent = room.here ? (waiting === 0 ? "" : "Saying…") : offline;
  notice.textContent = room.refusal;
  people.textContent = room.here
    ? room.people.map(({ name, typing }) => (typing && name !== me ? `${name} is typing` : name)).join(", ")
    : "";
  const said = room.lines.map(({ name, text }) => h("li", {}, h("b", {}, name), ` ${text}`));
  const unsaid = [...room.waiting.values()].map((text) => h("li", { className: "waiting" }, text));
  lines.replaceChildren(...said, ...unsaid);
  lines.lastElementChild?.scrollIntoView({ block: "nearest" });
}

document
  .querySelector("#chat")!
  .append(h("header", {}, h("h1", {}, "Chat"), people, status), lines, notice, form);
show();
