import { expect, test } from "vitest";
import { memoryStorage } from "../src/storage-memory.ts";
import { storageContract } from "../src/testing.ts";

for (const { name, run } of storageContract) {
  test(`memory: ${name}`, async () => {
    const storage = memoryStorage();
    await expect(run({ open: () => storage })).resolves.toBeUndefined();
  });
}
