// The order in which those that wait are served: one after the other, over groups first and their members second. So a
// group of a thousand delays another one as little as a group of one does. Pure.

export class Rounds<Group, Member> {
  /** The next one stands first, of the groups and within each. */
  readonly #groups = new Map<Group, Set<Member>>();

  get empty(): boolean {
    return this.#groups.size === 0;
  }

  /** It waits, behind all of its group; one that does already keeps its place. */
  add(group: Group, member: Member): void {
    const members = this.#groups.get(group);
    if (members === undefined) this.#groups.set(group, new Set([member]));
    else members.add(member);
  }

  /** Whose turn it is next, of the groups. */
  get first(): Group | undefined {
    return this.#groups.keys().next().value;
  }

  /** Whose turn it is: it waits no longer. */
  next(): Member | undefined {
    for (const [group, members] of this.#groups) {
      this.#groups.delete(group);
      for (const member of members) {
        members.delete(member);
        if (members.size > 0) this.#groups.set(group, members);
        return member;
      }
    }
    return undefined;
  }

  /** Gone, whatever its group was. */
  remove(group: Group, member: Member): void {
    const members = this.#groups.get(group);
    if (members?.delete(member) === true && members.size === 0) this.#groups.delete(group);
  }
}
