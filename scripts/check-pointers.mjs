// `npm run check -- pointers`: what comments and pages point at is there. A file that is named (`replica.ts`, "Not here: … (hello.ts)")
// is one of the repository, with the folders that the name has; a relative link in a page leads to a file, and its anchor to a
// heading. Not looked at: code blocks of pages, which show other people's files, and names of what is built (`*.d.ts`).
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { root } from "./run.mjs";

const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));
/** Every end of a path that begins at a folder: `target/batch.ts` and `batch.ts` name `…/src/target/batch.ts`. */
const ends = new Set(files.flatMap((path) => path.split("/").map((_, i, parts) => parts.slice(i).join("/"))));

const code = /[.](?:ts|tsx|mjs|cjs|js)$/;
const named = /(?<![\w*@./{<-])(?:[\w@-][\w@.-]*[/])*[\w@-][\w@.-]*[.](?:ts|mjs|cjs|md)(?![\w.*]*\w)/g;
/** `name.test.ts` stands for any file of that kind. */
const isExample = (/** @type {string} */ path) => /(?:^|[/])name[.]/.test(path) || path.endsWith(".d.ts");

/** @param {string} text @returns {string} its comments, line by line where they were */
const commentsOf = (text) =>
  text
    .split("\n")
    .map(
      (line) =>
        /^\s*(?:[/][*]|[*] )(.*)$/.exec(line)?.[1] ?? /(?:^|[^:"'`/])[/]{2} (.*)$/.exec(line)?.[1] ?? "",
    )
    .join("\n");
/** @param {string} text @returns {string} the page without its code blocks */
const proseOf = (text) =>
  text.replaceAll(/^ *```[^\n]*\n[\s\S]*?^ *```/gm, (block) => block.replaceAll(/[^\n]/g, ""));

/** @param {string} heading as GitHub makes its anchor */
const anchorOf = (heading) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
/** @param {string} path */
const anchorsIn = (path) =>
  new Set(
    [...proseOf(readFileSync(join(root, path), "utf8")).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
      anchorOf(title),
    ),
  );

/** @param {string} page @param {string} target @returns {string | undefined} what is wrong with a link */
function brokenLink(page, target) {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  const to = path === "" ? page : normalize(join(dirname(page), path)).replace(/[/]$/, "");
  if (!existsSync(join(root, to))) return `the link ${target} leads nowhere`;
  if (anchor !== undefined && to.endsWith(".md") && !anchorsIn(to).has(anchor))
    return `${to} has no heading #${anchor}`;
  return undefined;
}

/** @type {string[]} */
const findings = [];
for (const path of files.filter((file) => code.test(file) || file.endsWith(".md"))) {
  const isPage = path.endsWith(".md");
  const text = readFileSync(join(root, path), "utf8");
  const lines = (isPage ? proseOf(text) : commentsOf(text)).split("\n");
  // A sentence that an app reads may name a page, too.
  const sentences = isPage ? [] : text.split("\n");
  lines.forEach((line, i) => {
    const names = line.replaceAll(/\]\([^)]*\)/g, "]").match(named) ?? [];
    const pages = sentences[i]?.match(/\bdocs[/][\w-]+[.]md\b/g) ?? [];
    for (const name of new Set([...names, ...pages]))
      if (!ends.has(name) && !isExample(name)) findings.push(`${path}:${i + 1}: there is no file ${name}.`);
    // "server `hub.ts`" is a file of that package.
    for (const [, name = "", file = ""] of isPage
      ? line.matchAll(/\b(shared|server|client|testing) `([\w/-]+[.]ts)`/g)
      : [])
      if (!files.some((one) => one.startsWith(`packages/${name}/`) && `/${one}`.endsWith(`/${file}`)))
        findings.push(`${path}:${i + 1}: ${name} has no file ${file}.`);
    if (isPage)
      for (const [, target = ""] of line.matchAll(/\]\(([^()\s]+)\)/g)) {
        const problem = brokenLink(path, target);
        if (problem !== undefined) findings.push(`${path}:${i + 1}: ${problem}.`);
      }
  });
}
if (findings.length > 0) {
  console.log(findings.join("\n"));
  process.exitCode = 1;
}
