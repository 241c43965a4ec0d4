// docs/channels-errors.md: its tables are printed from packages/server/src/channels/codes, between comments that name them;
// what stands around them is written by hand. That the tables have all that the sources can say, the compiler checks, for
// they are typed by what the sources say. Here: that each of it is said somewhere.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cell, tablesIn, unsaid } from "./code-tables.mjs";
import { root } from "./run.mjs";

const page = join(root, "docs/channels-errors.md");
const answers = "packages/server/src/channels/transports/longpoll/answers.ts";
const channels = ["server/src/channels", "server/src/transports", "server/src/connection"];

/** @typedef {Record<string, Record<string, any>>} Table */

/** @type {Record<string, { head: readonly string[]; cells: (code: string, row: any) => readonly string[]; said?: readonly string[] }>} */
const sections = {
  channelReasons: {
    head: ["`reason`", "of", "when", "phoenix.js by itself", "what to do"],
    cells: (code, { of, when, client, cure }) => [`\`${code}\``, of, when, client, cure],
    said: channels,
  },
  closeReasons: {
    head: ["code", "reason", "when", "what to do"],
    cells: (code, { codes, when, cure }) => [codes.join(", "), `\`${code}\``, when, cure],
    said: channels,
  },
  requestRefusals: {
    head: ["reason", "WebSocket", "LongPoll", "when", "what to do"],
    cells: (code, { websocket, longpoll, when, cure }) => [
      `\`${code}\``,
      websocket || "–",
      longpoll || "–",
      when,
      cure,
    ],
    said: channels,
  },
  pollStatuses: {
    head: ["status", "to", "when", "phoenix.js by itself"],
    cells: (code, { to, when, client }) => [code, to, when, client],
  },
  refusalCodes: {
    head: ["`code`", "when", "`details`"],
    cells: (code, { when, details }) => [`\`${code}\``, when, details],
    said: [...channels, "server/src/supabase"],
  },
  channelEvents: {
    head: ["event", "when", "fields"],
    cells: (code, { when, fields }) => [`\`${code}\``, when, fields],
    said: channels,
  },
};

/** @param {boolean} update writes the page anew @returns {Promise<readonly string[]>} what is wrong */
export async function channelFindings(update) {
  /** @type {{ channelCodes: Record<string, Table> }} */
  const { channelCodes: tables } = await tablesIn("packages/server/src/channels/codes/channel-codes.ts");
  const findings = Object.entries(tables).flatMap(([name, table]) => {
    const { said } = sections[name] ?? {};
    if (!(name in sections)) return [`${name} has no section in scripts/channel-codes.mjs.`];
    const codes = Object.keys(table);
    return [
      ...(codes.join() === codes.toSorted().join() ? [] : [`${name} is not in alphabetical order.`]),
      ...unsaid(codes, said ?? [])
        .filter(() => said !== undefined)
        .map((code) => `${name}: "${code}" is said nowhere; take it out.`),
    ];
  });
  const text = readFileSync(join(root, answers), "utf8");
  const statuses = text.match(/(?<="status":|polled\(|status: |[|] )\d{3}/g) ?? [];
  for (const status of new Set(statuses))
    if (!(status in (tables["pollStatuses"] ?? {})))
      findings.push(`pollStatuses lacks ${status}, which ${answers} says.`);

  const before = readFileSync(page, "utf8");
  let after = before;
  for (const [name, { head, cells }] of Object.entries(sections)) {
    const rows = Object.entries(tables[name] ?? {}).map(([code, row]) => cells(code, row));
    const printed = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`);
    const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`);
    if (!place.test(after)) findings.push(`docs/channels-errors.md has no place for ${name}.`);
    after = after.replace(place, (_, begin, end) => `${begin}\n${printed.join("\n")}\n\n${end}`);
  }
  if (update) writeFileSync(page, after);
  else if (after !== before)
    findings.push("docs/channels-errors.md is not what the tables say: npm run codes:update.");
  return findings;
}
