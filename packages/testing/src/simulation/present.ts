// Who ought to be listed on the topics of a run, and whom everybody lists: every node, and every page (HC19).
import { authorTag, OWN_SESSION } from "@calla/shared";
import type { Wiring } from "@calla/shared";
import type { Quiet } from "../history/history.ts";
import type { Nodes } from "./nodes.ts";
import type { Pages, PagePlace } from "./pages.ts";

/** As much of a world as lists members. */
interface Listing<W extends Wiring> {
  readonly nodes: Nodes<W>;
  readonly pages: readonly Pages<W>[];
  readonly places: readonly PagePlace[];
}

type Present = NonNullable<Quiet["present"]>[number];

/** What each node and each page that shows a topic says of it, beside what it ought to say. */
export function presentOf<W extends Wiring>(world: Listing<W>): readonly Present[] {
  return world.places
    .filter(({ slice }) => slice.presence !== undefined)
    .flatMap((place) => {
      const { key: target } = place;
      const expected = expectedAt(world, place);
      const nodes = world.nodes.all.map((_, node) => ({
        by: `node ${node}`,
        target,
        expected,
        listed: listedBy(world.nodes, node, place),
      }));
      const pages = world.pages.flatMap((page, client) => {
        if (!page.subscribed.includes(target) || page.topic(place).state.status === "refused") return [];
        const { list, status } = page.topic(place).presence;
        const listed = asTexts([...list].flatMap(([key, members]) => members.map(({ meta }) => [key, meta])));
        return [{ by: `client ${client}`, target, expected, listed: status === "live" ? listed : [status] }];
      });
      return [...nodes, ...pages];
    });
}

/** Where somebody is astray, as a sentence. */
export function astray<W extends Wiring>(world: Listing<W>): string | undefined {
  const one = presentOf(world).find(({ expected, listed }) => expected.join() !== listed.join());
  if (one === undefined) return undefined;
  return `${one.by} lists [${one.listed.join()}] on ${one.target}, where [${one.expected.join()}] are`;
}

/** Those whose page says what it is listed as, and may be there. */
function expectedAt<W extends Wiring>({ pages }: Listing<W>, place: PagePlace): readonly string[] {
  const { key } = place;
  return asTexts(
    pages
      .filter((page) => page.tracked.has(key) && page.topic(place).state.status !== "refused")
      .map((page) => [
        page.userId ?? String(authorTag(page.client.clientId ?? OWN_SESSION, key)),
        page.tracked.get(key),
      ]),
  );
}

function listedBy<W extends Wiring>(nodes: Nodes<W>, node: number, place: PagePlace): readonly string[] {
  const { server } = nodes.all[node]!;
  const slice = server.wiring.topics.find(({ name }) => name === place.slice.name);
  const topic = (
    server.topic as unknown as (
      slice: unknown,
      ...params: readonly string[]
    ) => { readonly presence: { list(): ReadonlyMap<string, readonly unknown[]> } }
  )(slice, ...place.params);
  return asTexts([...topic.presence.list()].flatMap(([key, metas]) => metas.map((meta) => [key, meta])));
}

/** In an order of their own, for one is as good as another. */
const asTexts = (members: readonly (readonly unknown[])[]): readonly string[] =>
  members.map((member) => JSON.stringify(member)).toSorted();
