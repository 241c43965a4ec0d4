// Removes what builds and test runs leave behind; the packages stay installed.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

const folders = ["packages", "examples"].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) => join(root, parent, name, "dist")),
);
for (const folder of [...folders, join(root, "node_modules/.cache"), join(root, "test-results")])
  rmSync(folder, { recursive: true, force: true });
