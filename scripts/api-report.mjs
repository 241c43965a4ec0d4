// `npm run check:api`: what every public entry point exports, as API Extractor reports it, stands in api/, so that no
// public name changes unseen. `npm run api:update` writes the reports anew. Reads the built declarations in dist.
//
// Every export has a doc comment, every function an @example, and so that their users need not guess, every member that
// is called (what does it do?) or optional (what is the default?) has a doc comment too.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { root } from "./run.mjs";

const folder = join(root, "api");
const update = process.argv.includes("--update");
const scratch = mkdtempSync(join(tmpdir(), "calla-api-"));

const entries = readdirSync(join(root, "packages")).flatMap((pkg) => {
  const home = join(root, "packages", pkg);
  const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  return Object.entries(manifest.exports).flatMap(([path, target]) => {
    if (path === "./package.json") return [];
    if (typeof target?.types !== "string") throw new Error(`${pkg}: the entry point ${path} has no types.`);
    const source = join(home, target.types);
    if (!existsSync(source)) throw new Error(`${source} is missing: run npm run build first.`);
    return [{ report: `${pkg}${path.slice(1).replaceAll("/", ".")}.api.md`, source, home }];
  });
});
const sources = entries.map(({ source }) => source);

// The compiler and the linter say what is wrong with a declaration; here it is only written down.
const silent = { default: { logLevel: ExtractorLogLevel.None } };

/** @param {string} report @returns {string} where API Extractor writes the same as data, doc comments included */
const modelOf = (report) => join(scratch, report.replace(".api.md", ".api.json"));

/** @param {(typeof entries)[number]} entry */
const configOf = ({ home, source, report }) =>
  ExtractorConfig.prepare({
    configObject: {
      projectFolder: home,
      mainEntryPointFilePath: source,
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "es2023",
            module: "nodenext",
            moduleResolution: "nodenext",
            // Without "dom", whose Storage, Lock and History would have ours renamed in the reports.
            lib: ["es2023"],
            types: ["node"],
            skipLibCheck: true,
          },
          files: sources,
        },
      },
      apiReport: {
        enabled: true,
        // Types that users cannot name but whose change they feel.
        includeForgottenExports: true,
        reportFolder: scratch,
        reportTempFolder: join(scratch, "temp"),
        reportFileName: report.replace(".api.md", ""),
      },
      docModel: { enabled: true, apiJsonFilePath: modelOf(report) },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: silent,
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
    configObjectFullPath: join(home, "api-extractor.json"),
    packageJsonFullPath: join(home, "package.json"),
  });

/**
 * The compiler writes the inferred type of a constant with the members of a union in the order in which it met them,
 * which depends on what it compiled anew.
 *
 * @param {string} report @returns {string} with unions of texts in such types in alphabetical order
 */
const sorted = (report) =>
  report.replace(/^(?:export )?const .*$/gm, (line) =>
    line.replace(/"[^"]*"(?: \| "[^"]*")+/g, (union) => union.split(" | ").toSorted().join(" | ")),
  );

/** @returns {Map<string, string>} the report of every entry point, by its file's name */
function extract() {
  /** @type {CompilerState | undefined} one for all: each of its own is six times slower */
  let compilerState;
  return new Map(
    entries.map((entry) => {
      const config = configOf(entry);
      compilerState ??= CompilerState.create(config, { additionalEntryPoints: sources });
      const { errorCount } = Extractor.invoke(config, {
        compilerState,
        localBuild: true,
        messageCallback: (message) => void (message.handled = true),
      });
      if (errorCount > 0) throw new Error(`API Extractor found ${errorCount} errors in ${entry.source}.`);
      return [entry.report, sorted(readFileSync(join(scratch, entry.report), "utf8"))];
    }),
  );
}

/**
 * @typedef {object} Item what API Extractor knows of an export or a member
 * @property {string} kind
 * @property {string} [name]
 * @property {string} [docComment]
 * @property {boolean} [isOptional]
 * @property {number} [overloadIndex]
 * @property {readonly { readonly text: string }[]} [excerptTokens]
 * @property {readonly Item[]} [members]
 */

/** @param {Item} item @returns {boolean} */
const isCalled = ({ kind, excerptTokens = [] }) =>
  kind === "Function" ||
  kind.startsWith("Method") ||
  (/^(?:Variable|Property)/.test(kind) && excerptTokens.some(({ text }) => text.includes("=>")));

/** @param {string} report @returns {string[]} what is missing in the doc comments of an entry point */
function undocumented(report) {
  /** @type {{ readonly members: readonly [Item] }} */
  const model = JSON.parse(readFileSync(modelOf(report), "utf8"));
  const [{ members: exported = [] }] = model.members;
  return exported.flatMap((item) => {
    const { kind, name, docComment = "", overloadIndex = 1, members = [] } = item;
    const isFunction = (kind === "Function" || kind === "Variable") && isCalled(item);
    return [
      ...(docComment === "" ? [`${name} has no doc comment`] : []),
      ...(isFunction && overloadIndex === 1 && !docComment.includes("@example")
        ? [`${name} has no @example`]
        : []),
      ...members
        .filter((member) => (member.isOptional === true || isCalled(member)) && !member.docComment)
        .map((member) => `${name}.${member.name} has no doc comment`),
    ];
  });
}

/** @param {string} before @param {string} after @returns {string} the declarations that one of them has alone */
function differences(before, after) {
  const [old, now] = [before.split("\n\n"), after.split("\n\n")];
  return [
    ...old.filter((block) => !now.includes(block)).map((block) => block.replace(/^/gm, "- ")),
    ...now.filter((block) => !old.includes(block)).map((block) => block.replace(/^/gm, "+ ")),
  ].join("\n");
}

try {
  const reports = extract();
  mkdirSync(folder, { recursive: true });
  const gone = readdirSync(folder).filter((name) => !reports.has(name));
  for (const name of gone) {
    console.log(`${update ? "removed" : "belongs to no entry point"}: api/${name}`);
    if (update) rmSync(join(folder, name));
  }
  const stale = [...reports].filter(([name, text]) => {
    const path = join(folder, name);
    // Git may have put the line ends of its platform.
    const stored = existsSync(path) ? readFileSync(path, "utf8").replaceAll("\r\n", "\n") : "";
    if (stored === text) return false;
    console.log(`${update ? "updated" : "differs"}: api/${name}\n${differences(stored, text)}\n`);
    if (update) writeFileSync(path, text);
    return true;
  });
  const bare = [...reports.keys()].flatMap((name) =>
    undocumented(name).map((what) => `api/${name}: ${what}`),
  );
  if (bare.length > 0) {
    console.log(
      `${bare.join("\n")}\nSay what it is: units, defaults, errors; of a function also an @example.`,
    );
    process.exitCode = 1;
  }
  if (!update && gone.length + stale.length > 0) {
    console.log(
      "The public API is not what api/ says. If you mean it, run npm run api:update and commit api/.",
    );
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
