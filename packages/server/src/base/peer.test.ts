import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { peer } from "./peer.ts";

const failing = (code: string, message: string) => () => {
  throw Object.assign(new Error(message), { code });
};
const asked = { name: "some-peer", version: 3, neededBy: "@calla/server/some" };

test("[SV21] an optional peer that is missing: which to install; what else is wrong with it is told as it is", () => {
  expect(() => peer(asked, failing("MODULE_NOT_FOUND", "Cannot find module 'some-peer'"))).toThrow(
    expect.objectContaining({
      name: "CallaError",
      code: "wiring",
      message: "@calla/server/some needs the package some-peer 3: npm install some-peer@3.",
    }),
  );
  expect(() => peer(asked)).toThrow("npm install some-peer@3");
  for (const [code, message] of [
    ["MODULE_NOT_FOUND", "Cannot find module 'bindings'"],
    ["ERR_DLOPEN_FAILED", "another version of Node"],
  ] as const)
    expect(() => peer(asked, failing(code, message))).toThrow(message);
  expect(peer({ ...asked, name: "prom-client" })).toHaveProperty("Counter");
});

test("[SV21] each optional peer of the package is asked for so, in the version of its manifest", () => {
  const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(read("../../package.json")) as {
    peerDependencies: Record<string, string>;
    peerDependenciesMeta: Record<string, { optional: boolean }>;
  };
  const files: Record<string, string> = {
    "better-sqlite3": "../log/sqlite/library.ts",
    pg: "../postgres/driver/pg-driver.ts",
    postgres: "../postgres/driver/postgres-js-driver.ts",
    "prom-client": "../observers/prometheus.ts",
  };
  const optional = Object.keys(peerDependenciesMeta);
  expect(optional.toSorted()).toEqual(Object.keys(files));
  for (const name of optional) {
    const [, version] = /^\^(\d+)\./.exec(peerDependencies[name]!)!;
    const text = read(files[name]!);
    expect(text).toContain(`name: "${name}", version: ${version}`);
    expect(text).not.toMatch(new RegExp(`^import (?!type).* from "${name}"`, "m"));
  }
});
