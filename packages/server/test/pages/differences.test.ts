// docs/phoenix-differences.md against the rules: what differs on purpose has a ◆ there, and a row here.
import { expect, test } from "vitest";
import { rowsOf, textOf } from "./page.ts";

const RULES = [
  "channels",
  "channels-presence",
  "phoenix-connecting",
  "phoenix-wire",
  "longpoll",
  "channel-topics",
  "phoenix-recordings",
].map((name) => `spec/${name}.md`);

test("[CF7] each rule with a mark stands in the page, and each id of the page is a rule", async () => {
  const rules = new Map<string, string>();
  for (const path of RULES)
    for (const [, id, text] of (await textOf(path)).matchAll(/^- \*\*([A-Z]{2}\d+)\*\* (.*)$/gm))
      rules.set(id!, text!);
  const ids = rowsOf(await textOf("docs/phoenix-differences.md")).flatMap(
    (row) => row.at(-1)!.match(/[A-Z]{2}\d+/g) ?? [],
  );
  expect(ids.filter((id) => !rules.has(id))).toEqual([]);
  const marked = [...rules].filter(([, text]) => text.includes("◆")).map(([id]) => id);
  expect(marked.length).toBeGreaterThan(20);
  expect(marked.filter((id) => !ids.includes(id))).toEqual([]);
});
