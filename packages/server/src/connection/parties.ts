// Whoever a limit counts: a user, or the address of those who have not said who they are. What each has used up of its
// rates outlives its connections (LM4), so it belongs to neither of them. Not here: how much is too much (rate-limiter.ts).
import { hashString } from "@calla/shared";
import type { Limits, TargetKey } from "@calla/shared";

let write: (member: Membership, party: Party | undefined, share: Share | undefined) => void;

/** What a user, or one visitor of an address, has used up. Each number is a time at which it will have been paid for (token-bucket.ts). */
export class Share {
  messages = 0;
  joins = 0;
  ignored = 0;
  /** Only of topics that some of the rate is used up of. */
  topics: Map<TargetKey, number> | undefined;
  /** When all of it will have been paid for: from then on it need not be remembered. */
  restsAt = 0;
  /** Connections and packets that draw on it. */
  holders = 0;
  readonly party: Party;
  /** The client it is kept for; "": for whoever comes. */
  client: string;

  constructor(party: Party, client: string) {
    this.party = party;
    this.client = client;
  }

  /** Takes over what another one has used up. */
  goesOnFrom({ messages, joins, ignored, restsAt }: Spilt): void {
    this.messages = Math.max(this.messages, messages);
    this.joins = Math.max(this.joins, joins);
    this.ignored = Math.max(this.ignored, ignored);
    this.restsAt = Math.max(this.restsAt, restsAt);
  }
}

/** What is kept of shares that there was no room for. */
type Spilt = Pick<Share, "messages" | "joins" | "ignored" | "restsAt">;

export class Party {
  readonly key: string;
  /** By client; a user has one, under "". */
  readonly shares = new Map<string, Share>();
  /** Clients whose shares nobody draws on, in the order in which they went; some are long forgotten. */
  freed: string[] = [];
  /** Connections and packets. */
  members = 0;

  constructor(key: string) {
    this.key = key;
  }
}

/** One connection or packet, as it is counted: `Parties` alone says whom it is counted for. */
export class Membership {
  readonly address: string | undefined;
  #party: Party | undefined;
  #share: Share | undefined;

  constructor(address: string | undefined) {
    this.address = address;
  }

  /** Its address, and once that is known its user. */
  get party(): Party | undefined {
    return this.#party;
  }
  /** What it draws on, once it is let in. */
  get share(): Share | undefined {
    return this.#share;
  }

  static {
    write = (member, party, share) => {
      member.#party = party;
      member.#share = share;
    };
  }
}

/** Who a member turned out to be. */
export interface Identity {
  readonly userId: string | null;
  readonly clientId: string;
}

/** So many shares are remembered that nobody draws on and that are not at rest. */
const MOST_REMEMBERED = 50_000;
/** Where what there was no room for is remembered, by a hash of whose it is. */
const PLACES = 4_096;
/** Remembered shares that are looked at for each one that comes or goes: more than one, so that they become fewer. */
const LOOKED_AT = 4;

export class Parties {
  readonly #parties = new Map<string, Party>();
  /** Nobody draws on them and they are not at rest, or were not when last looked at; the longest unseen first. */
  readonly #remembered = new Set<Share>();
  readonly #spilt = new Map<number, Spilt>();
  readonly #now: () => number;
  readonly #limits: Pick<Limits, "maxConnectionsPerAddress">;
  readonly #most: number;

  constructor(
    now: () => number,
    limits: Pick<Limits, "maxConnectionsPerAddress">,
    most: number = MOST_REMEMBERED,
  ) {
    this.#now = now;
    this.#limits = limits;
    this.#most = most;
  }

  /** How many are known, and how many shares are remembered that nobody draws on. */
  get size(): { readonly parties: number; readonly remembered: number } {
    return { parties: this.#parties.size, remembered: this.#remembered.size };
  }

  /** Somebody is there. Until it is known who, it is counted by its address. */
  arrived(member: Membership): void {
    this.#count(member, this.#of(`a${member.address ?? ""}`));
  }

  /** It is known who it is. `fresh`: it had no identity, so it goes on where the last one that went had come to. */
  entered(member: Membership, { userId, clientId }: Identity, fresh: boolean): void {
    if (userId !== null) this.#count(member, this.#of(`u${userId}`));
    this.#draw(member, this.#shareOf(member.party!, clientId, fresh));
  }

  /** It speaks for another one, and draws on the same. */
  leans(member: Membership, on: Membership): void {
    this.#count(member, on.party!);
    this.#draw(member, on.share!);
  }

  left(member: Membership): void {
    const { party, share } = member;
    if (party === undefined) return;
    write(member, undefined, undefined);
    if (share !== undefined && --share.holders === 0) this.#free(share);
    party.members--;
    this.#forget(party);
  }

  #of(key: string): Party {
    const known = this.#parties.get(key);
    if (known !== undefined) return known;
    const party = new Party(key);
    this.#parties.set(key, party);
    return party;
  }

  #count(member: Membership, party: Party): void {
    party.members++;
    const before = member.party;
    write(member, party, member.share);
    if (before === undefined) return;
    before.members--;
    this.#forget(before);
  }

  #draw(member: Membership, share: Share): void {
    share.holders++;
    this.#remembered.delete(share);
    write(member, member.party, share);
    this.#lookAtSome();
  }

  #shareOf(party: Party, clientId: string, fresh: boolean): Share {
    if (party.key.startsWith("u")) return party.shares.get("") ?? this.#begin(party, "");
    const own = party.shares.get(clientId) ?? (fresh ? this.#inherited(party, clientId) : undefined);
    if (own !== undefined) return own;
    if (party.shares.size < this.#limits.maxConnectionsPerAddress) return this.#begin(party, clientId);
    // As many as an address has: whoever comes more shares one.
    return party.shares.get("") ?? this.#begin(party, "");
  }

  #begin(party: Party, client: string): Share {
    const share = new Share(party, client);
    const spilt = this.#spilt.get(placeOf(share));
    if (spilt !== undefined && spilt.restsAt > this.#now()) share.goesOnFrom(spilt);
    party.shares.set(client, share);
    return share;
  }

  /** The share of whoever went last, if it is not at rest. */
  #inherited(party: Party, clientId: string): Share | undefined {
    for (let last = party.freed.pop(); last !== undefined; last = party.freed.pop()) {
      const share = party.shares.get(last);
      if (share === undefined || share.holders > 0 || share.restsAt <= this.#now()) continue;
      party.shares.delete(last);
      share.client = clientId;
      party.shares.set(clientId, share);
      return share;
    }
    return undefined;
  }

  #free(share: Share): void {
    const { party, client } = share;
    if (share.restsAt <= this.#now()) return void party.shares.delete(client);
    if (this.#remembered.size >= this.#most) this.#lookAtSome();
    if (this.#remembered.size >= this.#most) return this.#spill(share);
    this.#remembered.add(share);
    party.freed.push(client);
    if (party.freed.length > 2 * party.shares.size + LOOKED_AT)
      party.freed = [...new Set(party.freed.toReversed())]
        .filter((one) => party.shares.has(one))
        .toReversed();
  }

  /** There is no room for it: what is remembered of it is that somebody like it has used up so much. */
  #spill(share: Share): void {
    share.party.shares.delete(share.client);
    const place = placeOf(share);
    const spilt = this.#spilt.get(place);
    if (spilt !== undefined && spilt.restsAt > this.#now()) share.goesOnFrom(spilt);
    const { messages, joins, ignored, restsAt } = share;
    this.#spilt.set(place, { messages, joins, ignored, restsAt });
  }

  #lookAtSome(): void {
    const now = this.#now();
    let looked = 0;
    for (const share of this.#remembered) {
      if (looked++ === LOOKED_AT) return;
      this.#remembered.delete(share);
      if (share.restsAt > now) {
        this.#remembered.add(share);
        continue;
      }
      share.party.shares.delete(share.client);
      this.#forget(share.party);
    }
  }

  /** Once nobody is left of it and all it used up is paid for. */
  #forget(party: Party): void {
    if (party.members === 0 && party.shares.size === 0) this.#parties.delete(party.key);
  }
}

/** Of an address all clients together: whoever comes without an identity would have another place each time. */
const placeOf = ({ party }: Share): number => hashString(party.key) % PLACES;
