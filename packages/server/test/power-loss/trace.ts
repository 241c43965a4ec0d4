// The record that record-writes.c made of a process's files, and what a disk may hold when the power goes at some point
// of it. A disk keeps what was flushed. Of what was written since, any part may be there: whole, not at all, or torn into
// sectors; files made and deleted since the folder was flushed are there or not, in the order of these deeds.

const HEAD = 20;
const SECTOR = 512;
const KINDS = ["", "open", "write", "truncate", "sync", "unlink", "sync-folder"] as const;

export interface Deed {
  readonly kind: (typeof KINDS)[number];
  readonly id: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

export function readTrace(trace: Buffer): Deed[] {
  const deeds: Deed[] = [];
  for (let at = 0; at + HEAD <= trace.length;) {
    const kind = KINDS[trace.readUInt32LE(at)];
    const length = trace.readUInt32LE(at + 16);
    if (kind === undefined || kind === "") throw new Error(`no trace: ${trace.readUInt32LE(at)} at ${at}`);
    const offset = Number(trace.readBigUInt64LE(at + 8));
    const bytes = trace.subarray(at + HEAD, at + HEAD + length);
    deeds.push({ kind, id: trace.readInt32LE(at + 4), offset, bytes });
    at += HEAD + length;
  }
  return deeds;
}

/** Chance that can be repeated (mulberry32). */
export class Luck {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let z = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4_294_967_296;
  }
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.fraction() * from.length)]!;
  }
}

/** Bytes that deeds are done to. */
class Content {
  #bytes: Buffer;
  #length: number;
  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = Buffer.from(bytes);
    this.#length = bytes.length;
  }
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
  do({ kind, offset, bytes }: Deed): void {
    const end = kind === "truncate" ? offset : Math.max(this.#length, offset + bytes.length);
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(2 * end)]);
    // What a file had and was cut off does not come back when it grows.
    if (end < this.#length) this.#bytes.fill(0, end, this.#length);
    if (kind === "write") bytes.copy(this.#bytes, offset);
    this.#length = end;
  }
}

/** A file apart from its name. */
interface File {
  readonly flushed: Content;
  /** Writes and truncations since, in order. */
  since: Deed[];
}
type Named = ReadonlyMap<string, File>;

/** A disk on which deeds are done one by one. */
export class Disk {
  /** What the process sees. */
  readonly #names = new Map<string, File>();
  /** The folder as it was flushed, and what it was after each deed since. */
  #folders: Named[] = [new Map()];
  readonly #open = new Map<number, File>();

  do({ kind, id, offset, bytes }: Deed): void {
    switch (kind) {
      case "open": {
        const name = bytes.toString();
        let file = this.#names.get(name);
        if (file === undefined) {
          this.#names.set(name, (file = { flushed: new Content(), since: [] }));
          this.#folders.push(new Map(this.#names));
        }
        this.#open.set(id, file);
        return;
      }
      case "write":
      case "truncate":
        this.#open.get(id)!.since.push({ kind, id, offset, bytes });
        return;
      case "sync": {
        const file = this.#open.get(id)!;
        for (const deed of file.since) file.flushed.do(deed);
        file.since = [];
        return;
      }
      case "unlink":
        this.#names.delete(bytes.toString());
        this.#folders.push(new Map(this.#names));
        return;
      case "sync-folder":
        this.#folders = [new Map(this.#names)];
        return;
      default:
    }
  }

  /** What may be there after the power has gone: files by name. */
  afterPowerLoss(luck: Luck): Map<string, Buffer> {
    const folder = luck.pick(this.#folders);
    /** How much gets through: nothing and everything are likely enough to be met. */
    const share = luck.pick([0, 0.1, 0.5, 0.9, 1]);
    return new Map(
      [...folder].map(([name, { flushed, since }]) => {
        const left = new Content(flushed.bytes);
        for (const deed of since) for (const part of survivors(deed, share, luck)) left.do(part);
        return [name, left.bytes];
      }),
    );
  }
}

/** What of a deed reaches the disk. */
function survivors(deed: Deed, share: number, luck: Luck): Deed[] {
  if (deed.kind === "write" && deed.bytes.length > SECTOR && luck.chance(0.2)) {
    const sectors: Deed[] = [];
    for (let at = 0; at < deed.bytes.length; at += SECTOR)
      if (luck.chance(0.5))
        sectors.push({ ...deed, offset: deed.offset + at, bytes: deed.bytes.subarray(at, at + SECTOR) });
    return sectors;
  }
  return luck.chance(share) ? [deed] : [];
}
