// `npm run check:exports`: packs every package as it would be published and lets publint and are-the-types-wrong
// look at the tarballs. Needs the built dist.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { capture, root } from "./run.mjs";

const folder = mkdtempSync(join(tmpdir(), "calla-pack-"));

/**
 * Conditions without a `default`. Node goes on behind one that leads nowhere; Vite and other bundlers do not, and say that
 * there are no known conditions.
 * @param {string} at @param {unknown} conditions @returns {string[]}
 */
const openEnds = (at, conditions) => {
  if (typeof conditions !== "object" || conditions === null) return [];
  const inner = Object.entries(conditions).flatMap(([name, one]) => openEnds(`${at} > ${name}`, one));
  return "default" in conditions ? inner : [`package.json: ${at} needs a "default"`, ...inner];
};

/** @param {string} pkg @returns {Promise<string>} what is wrong with it */
const look = async (pkg) => {
  const packed = await capture(`npm pack --silent --workspace packages/${pkg} --pack-destination ${folder}`);
  if (!packed.ok) return packed.output;
  const tarball = join(folder, packed.output.trim().split("\n").at(-1) ?? "");
  const { messages, pkg: manifest } = await publint({
    strict: true,
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
  });
  const types = await capture(`attw ${tarball} --profile esm-only --no-emoji --no-color --format ascii`);
  const { imports = {}, exports = {} } = manifest;
  return [
    ...Object.entries({ ...imports, ...exports }).flatMap(([name, conditions]) => openEnds(name, conditions)),
    ...messages.map((message) => `publint: ${formatMessage(message, manifest) ?? message.code}`),
    ...(types.ok ? [] : [types.output]),
  ].join("\n");
};

try {
  const packages = readdirSync(join(root, "packages"));
  const findings = await Promise.all(packages.map(look));
  findings.forEach((text, index) => {
    if (text === "") return;
    console.log(`@calla/${packages[index]}\n${text}\n`);
    process.exitCode = 1;
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
