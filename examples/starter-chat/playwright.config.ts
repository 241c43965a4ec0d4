import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

// A Chromium that is there already; otherwise Playwright's own (`npx playwright install chromium`).
const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => existsSync(path));

export default defineConfig({
  testDir: "e2e",
  reporter: "list",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
  },
});
