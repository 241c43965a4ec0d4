// `npm run check:api`: compares what every public entry point exports with the stored report in api/, so that no
// public name changes unseen. `npm run api:update` rewrites the reports. Reads the built declarations in dist.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { root } from "./run.mjs";

const folder = join(root, "api");
const update = process.argv.includes("--update");

const entries = readdirSync(join(root, "packages")).flatMap((pkg) => {
  const manifest = JSON.parse(readFileSync(join(root, "packages", pkg, "package.json"), "utf8"));
  return Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === "object")
    .map(([path, target]) => ({
      name: path.replace(/^[.]/, manifest.name),
      report: `${pkg}${path.slice(1).replaceAll("/", ".")}.api.md`,
      source: join(root, "packages", pkg, /** @type {{ types: string }} */ (target).types),
      home: join(root, "packages", pkg, "dist"),
    }));
});

const program = ts.createProgram(
  entries.map(({ source }) => source),
  { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, skipLibCheck: true, types: ["node"] },
);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

/** @param {ts.Symbol} symbol */
const resolve = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);

/** @param {ts.Symbol} symbol */
const statementsOf = (symbol) =>
  (symbol.declarations ?? []).map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node));

/** @param {ts.Symbol} symbol */
const print = (symbol) =>
  statementsOf(symbol)
    .map((node) => printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile()))
    .join("\n")
    .replace(/^(?:export |declare |default )+/gm, "");

/**
 * The top-level declarations of this package that a declaration's text names.
 * @param {ts.Symbol} symbol
 * @param {string} home
 */
const namedBy = (symbol, home) => {
  /** @type {Set<ts.Symbol>} */
  const found = new Set();
  const visit = (/** @type {ts.Node} */ node) => {
    const named = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
    const target = named && resolve(named);
    for (const statement of target ? statementsOf(target) : [])
      if (ts.isSourceFile(statement.parent) && statement.getSourceFile().fileName.startsWith(home))
        found.add(/** @type {ts.Symbol} */ (target));
    ts.forEachChild(node, visit);
  };
  for (const statement of statementsOf(symbol)) visit(statement);
  return found;
};

/** @param {ts.Symbol} a @param {ts.Symbol} b */
const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** @param {(typeof entries)[number]} entry */
const render = ({ name, source, home }) => {
  const file = program.getSourceFile(source);
  if (!file) throw new Error(`${relative(root, source)} is missing: run npm run build first`);
  const module = checker.getSymbolAtLocation(file);
  const exported = module ? checker.getExportsOfModule(module) : [];
  const reached = new Set(exported.map(resolve));
  // Types that users cannot name but whose change they feel.
  for (const symbol of reached) for (const other of namedBy(symbol, home)) reached.add(other);
  const hidden = [...reached].slice(new Set(exported.map(resolve)).size);
  const blocks = [
    ...exported.toSorted(byName).map((symbol) => {
      const target = resolve(symbol);
      return target.name === symbol.name
        ? `export ${print(target)}`
        : `export { ${target.name} as ${symbol.name} };\n${print(target)}`;
    }),
    ...hidden.toSorted(byName).map((symbol) => `// not exported, but part of the above\n${print(symbol)}`),
  ];
  return `# ${name}\n\nWritten by \`npm run api:update\`; a change here is a change for users.\n\n\`\`\`ts\n${blocks.join("\n\n")}\n\`\`\`\n`;
};

/** @param {string} text */
const blocksOf = (text) => text.split("\n\n");

/** @type {string[]} */
const stale = [];
mkdirSync(folder, { recursive: true });
for (const entry of entries) {
  const path = join(folder, entry.report);
  const now = render(entry);
  const stored = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (now === stored) continue;
  stale.push(entry.report);
  if (update) writeFileSync(path, now);
  const [before, after] = [blocksOf(stored), blocksOf(now)];
  const lines = [
    ...before.filter((block) => !after.includes(block)).map((block) => block.replace(/^/gm, "- ")),
    ...after.filter((block) => !before.includes(block)).map((block) => block.replace(/^/gm, "+ ")),
  ];
  console.log(`${update ? "updated" : "differs"}: api/${entry.report}\n${lines.join("\n")}\n`);
}
for (const name of readdirSync(folder).filter((file) => !entries.some(({ report }) => report === file))) {
  stale.push(name);
  if (update) rmSync(join(folder, name));
  console.log(`${update ? "removed" : "belongs to no entry point"}: api/${name}`);
}
if (stale.length > 0 && !update) {
  console.log(
    "The public API is not what api/ says. If you mean it, run npm run api:update and commit api/.",
  );
  process.exitCode = 1;
}
