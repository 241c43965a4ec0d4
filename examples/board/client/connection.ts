// How it stands with what one changes, always in sight.
import { client } from "./client.ts";
import { h, icon } from "./dom.ts";
import { onNetwork, standingOf } from "./standing.ts";

/** What is wrong, where something is; heard when it changes, which "saved" after each key would be too often. */
const trouble = h("span", { id: "connection", role: "status" });
/** The one line of it, which each page puts into its head: of one height, so that nothing moves when it changes. */
export const statusLine = h(
  "div",
  { class: "state", "data-state": "saved" },
  h("span", { class: "saved" }, icon("check"), "All changes saved"),
  h("span", { class: "saving" }, icon("dots"), "Saving …"),
  trouble,
);

export function showConnection(): void {
  const show = (): void => {
    const standing = standingOf(client.status, navigator.onLine);
    statusLine.dataset["state"] = standing.is;
    if (trouble.textContent === standing.trouble.join("")) return;
    trouble.replaceChildren(...standing.trouble.map((text) => h("span", { class: "line" }, text)));
  };
  client.onStatus(show);
  onNetwork(show);
  show();
}
