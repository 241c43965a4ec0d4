// Who is at a board: this tab says which card it is at, and hears it of all others.
import { usePresence, useSession, useTrack } from "@calla/react";
import { useEffect, useRef, useState } from "react";
import { differing } from "../../board/client/differing.ts";
import { cardsOf, sentenceOf, usersOf } from "../../board/client/people.ts";
import type { AtCard } from "../../board/client/people.ts";
import { announce } from "../../board/client/toasts.ts";
import { board, session } from "../../board/shared/wiring.ts";
import type { Here, Person } from "../../board/shared/wiring.ts";

export const useMe = (): Person | undefined => useSession(session, ({ model }) => model?.person ?? undefined);

/** The others, each user once, in how many tabs I am, and whether nobody can be known: the connection is lost. */
export function useUsers(id: string) {
  const { status, list, self, count } = usePresence(board, [id]);
  const everybody = [...list.values()].flat();
  const myKey = self?.key ?? "";
  const others = usersOf(everybody).filter(({ key }) => key !== myKey);
  const [differ] = useState(differing);
  useEffect(() => {
    if (status === "live" && myKey !== "") differ.from(others, myKey);
  });
  useEffect(() => differ.stop, [differ]);
  // Of very many members only the number is told.
  const unnamed = count - everybody.length;
  return { others, unnamed, myTabs: list.get(myKey)?.length ?? 1, away: status !== "live" };
}

/** Who else is at a card, and that as a sentence. */
export function useAtCard(
  id: string,
  card: string,
): { readonly there: readonly AtCard[]; readonly sentence: string } {
  const { list, self } = usePresence(board, [id]);
  const members = [...list.values()].flat().filter((member) => !member.self);
  const there = cardsOf(members).get(card) ?? [];
  return { there, sentence: sentenceOf(there, self?.key ?? "") };
}

/** Says which card I am at. Who cannot see it hears that somebody else begins to edit the same one. */
export function useBeingAt(id: string, { card, editing }: Pick<Here, "card" | "editing">): void {
  const me = useMe();
  useTrack(board, [id], me && { name: me.name, colour: me.colour, card, editing });
  const { there, sentence } = useAtCard(id, card ?? "");
  const warning = editing && there.some((one) => one.editing) ? sentence : "";
  const before = useRef<string>(null);
  useEffect(() => {
    if (warning !== "" && card === before.current) announce(warning);
    before.current = editing ? card : null;
  }, [warning, card, editing]);
}
