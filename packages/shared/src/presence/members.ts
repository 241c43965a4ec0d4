// The members of a topic as the app gets them: a Map of lists, of which whatever has not changed stays the same object.
// Not here: who is one (page-presence.ts).

/** One client that is here. */
export interface AnyMember {
  readonly key: string;
  readonly meta: unknown;
  /** The tag of its client in this topic; null: this client, which no server has named yet. */
  readonly from: number | null;
  readonly self: boolean;
}
/** Key to members. */
export type MemberList = ReadonlyMap<string, readonly AnyMember[]>;

/** In order of their tags, so on every page alike and the same after each connection. `before` where nothing differs. */
export function listed(members: readonly AnyMember[], before: MemberList): MemberList {
  const list = new Map<string, AnyMember[]>();
  for (const member of members.toSorted((a, b) => Number(a.from) - Number(b.from))) {
    const all = list.get(member.key);
    if (all) all.push(member);
    else list.set(member.key, [member]);
  }
  let same = list.size === before.size;
  for (const [key, all] of list) {
    const was = before.get(key) ?? [];
    if (was.length === all.length && all.every((one, i) => one === was[i])) list.set(key, was as AnyMember[]);
    else same = false;
  }
  return same ? before : list;
}
