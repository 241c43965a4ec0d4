// `npm run check:codes`: docs/codes.md lists every code of Calla's with its sentence and its cure, printed from the tables
// in packages/shared/src/codes; `npm run codes:update` rewrites it. And every code of a table is said somewhere on the
// side that says it. (That nothing else is said the compiler checks: the fields are typed by the tables' keys.)
// docs/channels-errors.md is held to its tables by channel-codes.mjs, in the same run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { channelFindings } from "./channel-codes.mjs";
import { cell, tablesIn, unsaid } from "./code-tables.mjs";
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
    title: "A client's connection, in its own words",
    text: "`client.status.reason`, type `ConnectionCode`. The server has said nothing.",
    again: "comes back by itself",
    said: ["client/src"],
  },
  {
    table: "closingCodes",
    title: "A client's connection, in the server's words",
    text: "`client.status.reason`, and `state.code` of topics where the client is not to come back; `disconnected` events of `observe`. Type `ClosingCode`. Besides, a WebSocket's client is told `origin` and `host` (below), and the app's own words of `server.disconnect(clientId, { code })` come as `app:` and that code (type `AppCode`).",
    again: "comes back by itself",
    said: ["server/src"],
  },
  {
    table: "unsubscribedCodes",
    title: "A topic",
    text: "`state.code` of a topic that is `refused`. Type `UnsubscribedCode`; with those of the connection `TopicCode`.",
    again: "asks again by itself",
    said: ["server/src"],
  },
  {
    table: "rejectionCodes",
    title: "A rejected message",
    text: '`RejectedError` and `write.rejection` with `from: "calla"`, type `CallaRejectionCode`. With `from: "app"` the code is one of the slice\'s own `rejections`. What was predicted is rolled back.',
    again: "sent again",
    said: ["server/src", "client/src", "shared/src"],
  },
  {
    table: "pausedCodes",
    title: "A message that waits",
    text: "Apps see nothing of it but that it is pending; `observe` hears `paused` with the code. Type `PausedCode`.",
    again: "sent again by itself",
    said: ["server/src"],
  },
  {
    table: "untrackedCodes",
    title: "A meta that is not listed",
    text: "Presence of a topic: the meta that was given is not taken, and an earlier one stays. Type `UntrackedCode`.",
    again: "said again by itself",
    said: ["server/src"],
  },
  {
    table: "errorCodes",
    title: "Errors",
    text: "`CallaError`, thrown or told by `onError`, of client and server. Type `ErrorCode`. `topic.ready` rejects with one that has the topic's code.",
    again: "tried again by itself",
    said: ["server/src", "client/src", "shared/src"],
  },
  {
    table: "requestCodes",
    title: "A request that was refused before there was a connection",
    text: "The server's `onRefused`, and `code` in the JSON of an answer over HTTP. The client shows `unreachable`, with the status in `status.text`; of `origin` and `host` a WebSocket's client is told, and stays away. Type `RequestCode`.",
    again: "tried again by itself",
    said: ["server/src/transports"],
  },
  {
    table: "observedCodes",
    title: "What only the server's operator hears",
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
const text = [
  "# Codes",
  "",
  "Printed from the tables in `packages/shared/src/codes` by `npm run codes:update`; do not edit.",
  "",
  "What a code means and what to do about it. An app can `switch` over each of these types to the end; a newer server may",
  "say a code that is not among them yet, so there is a `default`: `status.connection`, `state.status` and `write.state`",
  "say what becomes of it. Tools find the sentences in `@calla/shared/codes`; bundles for pages do not hold them.",
  ...sections.flatMap(({ table, title, text: about, again }) => [
    "",
    `## ${title}`,
    "",
    about,
    "",
    `| code | ${again} | what it means | what to do |`,
    "|---|---|---|---|",
    ...Object.entries(tables[table] ?? {}).map(
      ([code, { retryable, means, cure }]) =>
        `| \`${code}\` | ${words.get(/** @type {boolean} */ (retryable)) ?? "either"} | ${cell(means)} | ${cell(cure)} |`,
    ),
  ]),
  "",
].join("\n");

if (update) writeFileSync(page, text);
else if ((existsSync(page) ? readFileSync(page, "utf8") : "") !== text)
  findings.push("docs/codes.md is not what the tables say: npm run codes:update.");
findings.push(...(await channelFindings(update)));
for (const finding of findings) console.log(finding);
process.exitCode = findings.length > 0 ? 1 : 0;
