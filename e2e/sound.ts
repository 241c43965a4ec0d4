// What axe says of a page.
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";

/**
 * Nothing is wrong with it. `only: "colours"`: of a page that has been looked at, and has nothing but another colour scheme
 * since.
 */
export async function expectSound(page: Page, only?: "colours"): Promise<void> {
  // Without frames there is nothing to be joined, for which axe would open another tab.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations, passes } = await (only ? axe.withRules("color-contrast") : axe).analyze();
  expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
  expect(passes.map(({ id }) => id)).toContain("color-contrast");
}
