// `npm run check:codes`: docs/codes.md lists every code of Calla's with its sentence and its cure. Its tables are printed from
// those in packages/shared/src/codes, between comments that name them; `npm run codes:update` rewrites them. And every code of a table is said somewhere on the
// side that says it. (That nothing else is said the compiler checks: the fields are typed by the tables' keys.)
// docs/channels-errors.md is held to its tables by channel-codes.mjs, in the same run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { channelFindings } from "./channel-codes.mjs";
import { cell, closeFindings, tablesIn, unsaid } from "./code-tables.mjs";
import { root } from "./run.mjs";

const page = join(root, "docs/codes.md");
const update = process.argv.includes("--update");

/** @typedef {Record<string, { retryable: boolean | "either"; means: string; cure: string }>} Table */

/** @type {Record<string, Table>} */
const tables = await tablesIn("packages/shared/src/codes/codes.ts");

/** In the order of the page; `said`: the folders of packages where each code stands as a value. */
const sections = [
  {
    table: "connectionCodes",
    text: "`client.status.reason`, type `ConnectionCode`. The server has said nothing.",
    again: "comes back by itself",
    said: ["client/src"],
  },
  {
    table: "closingCodes",
    text: "`client.status.reason`, and `state.code` of topics where the client is not to come back; `disconnected` events of `observe`. Type `ClosingCode`. Besides, a WebSocket's client is told `origin` and `host` (below), and the app's own words of `server.disconnect(clientId, { code })` come as `app:` and that code (type `AppCode`).",
    again: "comes back by itself",
    said: ["server/src"],
  },
  {
    table: "unsubscribedCodes",
    text: "`state.code` of a topic that is `refused`. Type `UnsubscribedCode`; with those of the connection `TopicCode`.",
    again: "asks again by itself",
    said: ["server/src"],
  },
  {
    table: "rejectionCodes",
    text: '`RejectedError` and `write.rejection` with `from: "calla"`, type `CallaRejectionCode`. With `from: "app"` the code is one of the slice\'s own `rejections`. What was predicted is rolled back.',
    again: "sent again",
    said: ["server/src", "client/src", "shared/src"],
  },
  {
    table: "pausedCodes",
    text: "Apps see nothing of it but that it is pending; `observe` hears `paused` with the code. Type `PausedCode`.",
    again: "sent again by itself",
    said: ["server/src"],
  },
  {
    table: "untrackedCodes",
    text: "Presence of a topic: the meta that was given is not taken, and an earlier one stays. Type `UntrackedCode`.",
    again: "said again by itself",
    said: ["server/src"],
  },
  {
    table: "errorCodes",
    text: "`CallaError`, thrown or told by `onError`, of client and server. Type `ErrorCode`. `topic.ready` rejects with one that has the topic's code.",
    again: "tried again by itself",
    said: ["server/src", "client/src", "shared/src"],
  },
  {
    table: "storageCodes",
    text: "`details.reason` of a `CallaError` with the code `storage`, told by `onError`; `queued` of a write rejects with it. Meanwhile `client.status.storage` is `failed`, and everything is sent all the same ([offline.md](offline.md)). Type `StorageReason`. A server's `storage` errors have `details.code`, which is SQLite's story: [sqlite.md](sqlite.md#when-something-is-wrong).",
    again: "mends itself",
    said: ["client/src"],
  },
  {
    table: "requestCodes",
    text: "The server's `onRefused`, and `code` in the JSON of an answer over HTTP. The client shows `unreachable`, with the status in `status.text`; of `origin` and `host` a WebSocket's client is told, and stays away. Type `RequestCode`.",
    again: "tried again by itself",
    said: ["server/src/transports"],
  },
  {
    table: "observedCodes",
    text: "`onRefused`, and `refused` events of `observe`, besides all of the above that refuses for good. Type `ObservedCode`.",
    again: "goes on by itself",
    said: ["server/src"],
  },
];

const findings = sections.flatMap(({ table, said }) =>
  unsaid(Object.keys(tables[table] ?? {}), said).map(
    (code) => `${table}: "${code}" is said nowhere in ${said.join(", ")}; take it out.`,
  ),
);
for (const [name, table] of Object.entries(tables)) {
  if (!sections.some((section) => section.table === name))
    findings.push(`${name} has no section in scripts/codes.mjs.`);
  if (Object.keys(table).join() !== Object.keys(table).toSorted().join())
    findings.push(`${name} is not in alphabetical order.`);
  for (const [code, { means, cure }] of Object.entries(table))
    for (const sentence of [means, cure])
      if (!/^[a-zA-Z].*[.]$/.test(sentence)) findings.push(`${name}: "${code}" has no sentence: ${sentence}`);
}

const words = new Map([
  [true, "yes"],
  [false, "no"],
]);
/** The tables as the page has them, between comments that name them: all else on it is written by hand. */
const printed = new Map(
  sections.map(({ table, text: about, again }) => [
    table,
    [
      about,
      "",
      `| code | ${again} | what it means | what to do |`,
      "|---|---|---|---|",
      ...Object.entries(tables[table] ?? {}).map(
        ([code, { retryable, means, cure }]) =>
          `| \`${code}\` | ${words.get(/** @type {boolean} */ (retryable)) ?? "either"} | ${cell(means)} | ${cell(cure)} |`,
      ),
    ],
  ]),
);

/** @type {{ closeCodes: Record<string, { by: string; reason: string; means: string; cure: string }> }} */
const { closeCodes } = await tablesIn("packages/shared/src/codes/close-codes.ts");
printed.set("closeCodes", [
  "| code | reason | what it means | what to do |",
  "|---|---|---|---|",
  ...Object.entries(closeCodes).map(
    ([code, { reason, means, cure }]) =>
      `| ${code} | ${/^[a-z-]+$/.test(reason) ? `\`${reason}\`` : reason} | ${cell(means)} | ${cell(cure)} |`,
  ),
]);
findings.push(...closeFindings(closeCodes));

const before = existsSync(page) ? readFileSync(page, "utf8") : "";
let text = before;
for (const [name, lines] of printed) {
  const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`);
  if (!place.test(text)) findings.push(`docs/codes.md has no place for ${name}.`);
  text = text.replace(place, (_, begin, end) => `${begin}\n${lines.join("\n")}\n\n${end}`);
}

if (update) writeFileSync(page, text);
else if (before !== text) findings.push("docs/codes.md is not what the tables say: npm run codes:update.");
findings.push(...(await channelFindings(update)));
for (const finding of findings) console.log(finding);
process.exitCode = findings.length > 0 ? 1 : 0;
