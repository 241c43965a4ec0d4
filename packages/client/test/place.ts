// Where a test's client keeps its file.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A path that is nobody else's, with nothing there; what is put there is gone after the test. */
export function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "calla-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "client");
}
