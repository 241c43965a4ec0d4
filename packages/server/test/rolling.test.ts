// A rolling deploy of two nodes over one log, many times over: authors write to whichever node takes their page, are
// reloaded at any moment, send again what has no outcome; nodes stop and come back in a newer version, in both orders.
import fc from "fast-check";
import { expect, test } from "vitest";
import { added, deploy, put, records } from "./deploy.ts";

interface Author {
  identity: { clientId: string; secret: string } | undefined;
  version: 1 | 2;
  page: Awaited<ReturnType<ReturnType<ReturnType<typeof deploy>["node"]>["page"]>> | undefined;
  readonly texts: string[];
  /** Mid to sequence. */
  readonly acknowledged: Map<number, number>;
}

const step = fc.record({
  what: fc.constantFrom(
    "write",
    "write",
    "write",
    "send",
    "reload",
    "ring",
    "lose",
    "wait",
    "upgrade",
    "restart",
  ),
  author: fc.integer({ min: 0, max: 2 }),
  node: fc.integer({ min: 0, max: 1 }),
});

test("[VE3] [VE4] [VE7] S38 S11 a rolling deploy in either order applies each message once, in its author's order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const { node, log, bells, advance } = deploy();
      const versions: (1 | 2)[] = [1, 1];
      const nodes = [node(1), node(1)];
      const authors = Array.from({ length: 3 }, (): Author => ({
        identity: undefined,
        version: 1,
        page: undefined,
        texts: [],
        acknowledged: new Map(),
      }));
      const hear = async (author: Author): Promise<void> => {
        for (const frame of (await author.page?.heard()) ?? []) {
          expect(frame.type).not.toBe("Rejected");
          if (frame.type === "Acknowledge") author.acknowledged.set(frame.mid, frame.sequence);
        }
      };
      const send = async (author: Author): Promise<void> => {
        for (const [i, text] of author.texts.entries()) {
          const mid = i + 1;
          if (author.acknowledged.has(mid)) continue;
          author.page?.say((author.version === 1 ? put : added)(mid, text, { id: `id-${text}` }));
        }
        await hear(author);
      };
      /** A page of the node's version, wherever it was before; a page is never older than the one before it. */
      const reload = async (author: Author, at: number): Promise<void> => {
        if (versions[at]! < author.version) return;
        await hear(author);
        author.page?.drop();
        author.version = versions[at]!;
        author.page = await nodes[at]!.page(author.identity);
        author.identity ??= author.page.identity;
        await send(author);
      };
      const restart = async (at: number, version: 1 | 2): Promise<void> => {
        await nodes[at]!.done(nodes[at]!.server.stop());
        for (const author of authors) await hear(author);
        versions[at] = version;
        nodes[at] = node(version);
      };
      for (const { what, author: who, node: at } of steps) {
        const author = authors[who]!;
        if (author.page === undefined) await reload(author, at);
        if (what === "write") author.texts.push(`${who}.${author.texts.length + 1}`);
        if (what === "write" || what === "send") await send(author);
        else if (what === "reload") await reload(author, at);
        else if (what === "ring") bells.deliver();
        else if (what === "lose") bells.lose();
        else if (what === "wait") await advance(6_000);
        else if (what === "upgrade") await restart(at, 2);
        else await restart(at, versions[at]!);
      }
      for (const at of [0, 1]) await restart(at, 2);
      for (const author of authors) {
        await reload(author, author.texts.length % 2);
        expect(author.acknowledged.size).toBe(author.texts.length);
      }
      bells.deliver();

      const model = (await nodes[0]!.read()).model as { cards: { text: string }[] };
      expect((await nodes[1]!.read()).model).toEqual(model);
      const shown = model.cards.map(({ text }) => text);
      for (const [who, { texts }] of authors.entries())
        expect(shown.filter((text) => text.startsWith(`${who}.`))).toEqual(texts);
      const all = await records(log);
      for (const [i, { version, model: whole }] of all.entries()) {
        const before = all[i - 1]?.version ?? version;
        expect(version).toBeGreaterThanOrEqual(before);
        if (version > before) expect(whole).toBeDefined();
      }
      for (const { texts, acknowledged } of authors)
        for (const [mid, sequence] of acknowledged)
          expect(all[sequence - 1]?.id).toBe(`id-${texts[mid - 1]}`);
      const codes = nodes.flatMap(({ errors }) => errors.map((error) => (error as { code?: string }).code));
      expect(codes.filter((code) => code !== "version")).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 60_000);
