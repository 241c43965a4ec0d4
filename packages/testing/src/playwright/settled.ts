// Waits until tabs show what the server has. First nobody may have anything under way, then the server is asked anew for
// each tab, by a second client of the page (client/src/dev/shown.ts), and then all must agree, also with each other.
import { setTimeout as wait } from "node:timers/promises";
import type { Page } from "@playwright/test";
import type { Person } from "./person.ts";

/** How long `settled` waits. */
export interface SettledOptions {
  /** Milliseconds: 15,000. */
  readonly timeout?: number;
}

/** A tab and whose it is. */
export interface Tab {
  readonly of: string;
  readonly page: Pick<Page, "url" | "evaluate" | "isClosed">;
}

// As the page's clients have it (client/src/dev/shown.ts).
interface Topic {
  readonly key: string;
  readonly status: string;
  readonly place: string;
  readonly its: { readonly status: string; readonly place: string } | undefined;
  readonly same: boolean;
  readonly models: readonly [string, string] | undefined;
}
interface Client {
  readonly connection: string;
  readonly pending: number;
  readonly topics: readonly Topic[];
}

/** Milliseconds between two looks: soon at first. */
const PAUSES = [5, 10, 20, 50, 100];

/** What the pages are told. It runs in them. */
function inPage(what: "look" | "ask" | "rest"): readonly Client[] {
  const list = (globalThis as Record<symbol, unknown>)[Symbol.for("calla.tests")] as
    | readonly Record<"look" | "ask" | "rest", () => Client | undefined>[]
    | undefined;
  return (list ?? []).flatMap((client) => client[what]() ?? []);
}

/**
 * Resolves when all of them show the server's model.
 *
 * @throws Error with what is not so, and whose.
 */
export async function untilSettled(
  tabs: readonly Tab[],
  { timeout = 15_000 }: SettledOptions,
): Promise<void> {
  const over = performance.now() + timeout;
  for (;;) {
    await untilNone(tabs, underWay, over, timeout);
    await all(tabs, "ask");
    if (await untilNone(tabs, disagreements, over, timeout, underWay)) break;
  }
  await all(tabs, "rest");
}

type Find = (seen: ReadonlyMap<Tab, readonly Client[]>) => readonly string[];

/** False: `instead` has found something, so what was asked for is old. */
async function untilNone(
  tabs: readonly Tab[],
  find: Find,
  over: number,
  timeout: number,
  instead: Find = () => [],
): Promise<boolean> {
  for (let looks = 0; ; looks++) {
    const seen = await all(tabs, "look");
    if (instead(seen).length > 0) return false;
    const found = find(seen);
    if (found.length === 0) return true;
    const left = over - performance.now();
    if (left <= 0) {
      await all(tabs, "rest");
      throw new Error(
        `Not every tab shows the server's model after ${timeout / 1000} s:\n${found.map((line) => `- ${line}`).join("\n")}`,
      );
    }
    await wait(Math.min(left, PAUSES[Math.min(looks, PAUSES.length - 1)] ?? 0));
  }
}

async function all(
  tabs: readonly Tab[],
  what: "look" | "ask" | "rest",
): Promise<Map<Tab, readonly Client[]>> {
  const open = tabs.filter(({ page }) => !page.isClosed());
  return new Map(
    await Promise.all(open.map(async (tab) => [tab, await tab.page.evaluate(inPage, what)] as const)),
  );
}

const named = ({ of, page }: Tab): string => `${of}'s tab at ${page.url()}`;

const underWay: Find = (seen) =>
  [...seen].flatMap(([tab, clients]) => [
    ...(clients.length > 0
      ? []
      : [
          `${named(tab)} shows no client of Calla. Pages show theirs where they are built for development, without the condition \`production\`.`,
        ]),
    ...clients.flatMap(({ connection, pending, topics }) => [
      ...(connection === "open" ? [] : [`${named(tab)} has no connection: it is ${connection}.`]),
      ...(pending === 0 ? [] : [`${named(tab)} has ${pending} dispatches without an outcome.`]),
      ...topics
        .filter(({ status }) => status !== "live" && status !== "refused")
        .map(({ key, status }) => `${named(tab)}: ${key} is ${status}.`),
    ]),
  ]);

const disagreements: Find = (seen) => {
  /** Where each topic was seen first. */
  const first = new Map<string, { readonly place: string; readonly tab: Tab }>();
  return [...seen].flatMap(([tab, clients]) =>
    clients.flatMap(({ topics }) =>
      topics.flatMap(({ key, status, place, its, same, models }) => {
        if (its?.status !== status)
          return [
            `${named(tab)}: ${key} is ${status}, and for a second client ${its?.status ?? "not asked for"}.`,
          ];
        if (status === "refused") return [];
        if (its.place !== place) return [`${named(tab)}: ${key} is at ${place}, the server at ${its.place}.`];
        if (!same)
          return [
            `${named(tab)}: ${key} at ${place} differs from the server's, so an update is not pure:\n  here:   ${models?.[0]}\n  server: ${models?.[1]}`,
          ];
        const other = first.get(key);
        if (!other) first.set(key, { place, tab });
        else if (other.place !== place)
          return [`${named(tab)}: ${key} is at ${place}, and at ${other.place} in ${named(other.tab)}.`];
        return [];
      }),
    ),
  );
};

/**
 * The tabs of these people.
 *
 * @throws Error where one of them cannot reach the server, so that nobody waits for it.
 */
export function tabsOf(people: readonly Person[]): readonly Tab[] {
  for (const { name, line } of people)
    if (!line.whole)
      throw new Error(
        `settled: ${name}'s line is cut or loses what it carries. Mend it, or name those who are to agree.`,
      );
  return people.flatMap(({ name, tabs }) =>
    tabs.filter((page) => page.url() !== "about:blank").map((page) => ({ of: name, page })),
  );
}
