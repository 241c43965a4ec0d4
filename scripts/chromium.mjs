// Where a Chromium may already be: named by the user, from the system's packages, or in Playwright's cache.
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const macApps = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const inPlaywrightCache = () => {
  const caches = [
    process.env.PLAYWRIGHT_BROWSERS_PATH,
    join(homedir(), ".cache", "ms-playwright"),
    join(homedir(), "Library", "Caches", "ms-playwright"),
  ];
  return caches
    .filter((cache) => cache !== undefined)
    .filter((cache) => existsSync(cache))
    .flatMap((cache) =>
      readdirSync(cache)
        .filter((folder) => folder.startsWith("chromium-"))
        .toSorted()
        .toReversed()
        .flatMap((folder) => [
          join(cache, folder, "chrome-linux64", "chrome"),
          join(cache, folder, "chrome-linux", "chrome"),
          join(cache, folder, "chrome-mac", "Chromium.app", "Contents", "MacOS", "Chromium"),
        ]),
    );
};

/**
 * @returns {string | undefined} the path of a Chromium, undefined where there is none
 */
export const findChromium = () => {
  const named = process.env.CALLA_CHROMIUM;
  if (named) return existsSync(named) ? named : undefined;
  const folders = ["/usr/bin", ...(process.env.PATH ?? "").split(delimiter)];
  const system = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...system, ...macApps, ...inPlaywrightCache()].find((path) => existsSync(path));
};
