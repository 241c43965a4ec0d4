// What the pages of codes have in common: tables out of the sources, and where the sources say a code.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import ts from "typescript";
import { root } from "./run.mjs";

/** @param {string} path of a module that holds tables @returns {Promise<any>} what it exports */
export async function tablesIn(path) {
  const {
    outputFiles: [bundle],
  } = await build({ entryPoints: [join(root, path)], bundle: true, format: "esm", write: false });
  return import(`data:text/javascript;base64,${Buffer.from(bundle?.contents ?? "").toString("base64")}`);
}

/** @param {string} folder @returns {string[]} its sources, without tables of codes and what is for tests */
const sources = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "codes" || entry.name === "testing" ? [] : sources(path);
    return /[.]ts$/.test(entry.name) && !/[.](test|test-d|arbitrary)[.]ts$/.test(entry.name) ? [path] : [];
  });

/** @type {Map<string, Set<string>>} */
const values = new Map();
/** Texts that a file has as values: neither types, nor what something is compared with. @param {string} path */
function valuesIn(path) {
  const known = values.get(path);
  if (known !== undefined) return known;
  /** @type {Set<string>} */
  const found = new Set();
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    const compared =
      ts.isCaseClause(node.parent) ||
      (ts.isBinaryExpression(node.parent) && /^[!=]==$/.test(node.parent.operatorToken.getText()));
    if (ts.isStringLiteral(node) && !compared) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2023, true);
  ts.forEachChild(file, visit);
  values.set(path, found);
  return found;
}

/** @param {readonly string[]} codes @param {readonly string[]} said folders of packages @returns {string[]} those that no source says */
export function unsaid(codes, said) {
  const paths = said.flatMap((folder) => sources(join(root, "packages", folder)));
  return codes.filter((code) => !paths.some((path) => valuesIn(path).has(code)));
}

/** @param {string} text as a cell of a table */
export const cell = (text) => text.replaceAll("|", "\\|");

/** Where the sync half closes WebSockets. */
const CLOSERS = ["transports", "connection", "hub"].map((folder) =>
  join(root, "packages/server/src", folder),
);

/**
 * Every number that the sync half closes with stands in the table, and the other way round.
 * @param {Record<string, { by: string }>} table @returns {string[]}
 */
export function closeFindings(table) {
  const said = new Set(
    CLOSERS.flatMap(sources).flatMap((path) =>
      Array.from(
        readFileSync(path, "utf8").matchAll(/(?:[.]close\(|\bCLOSE_\w+ = |\bTOO_LARGE = )(\d{4})\b/g),
        ([, code = ""]) => code,
      ),
    ),
  );
  return [
    ...[...said]
      .filter((code) => !(code in table))
      .map((code) => `closeCodes lacks ${code}, which a source says.`),
    ...Object.entries(table)
      .filter(([code, { by }]) => by === "server" && !said.has(code))
      .map(([code]) => `closeCodes: ${code} is said nowhere; take it out.`),
  ];
}
