// `npm run pictures`: no tests, but what makes the README's pictures in the same browsers.
import { defineConfig } from "@playwright/test";
import config from "../../playwright.config.ts";

export default defineConfig(config, {
  testDir: ".",
  testMatch: "**/*.film.ts",
  outputDir: "../../test-results/film",
});
