// Playwright, which an app installs beside Calla. A failing import could say only that it is not there, and not what to do.
import { createRequire } from "node:module";
import type * as Playwright from "@playwright/test";

const NAME = "@playwright/test";
const require = createRequire(import.meta.url);

/** @throws Error with what to install. */
export function library(load: (name: string) => unknown = require): typeof Playwright {
  try {
    return load(NAME) as typeof Playwright;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error(
      `@calla/testing/playwright needs the package ${NAME}: npm install --save-dev ${NAME}, and npx playwright install chromium.`,
      { cause: error },
    );
  }
}
