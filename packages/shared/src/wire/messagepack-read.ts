// Makes values of a MessagePack frame whose structure has been checked (messagepack-scan.ts): so nothing here looks
// whether bytes are there, and nothing is made of what was merely announced.
import { CallaError } from "../base/errors.ts";
import { SETS, WAYS } from "./frame-names.ts";
import { mayBeIndex, useTable } from "../values/sparse-fields.ts";

// In every browser, worker and JavaScript server; the types of neither DOM nor Node are known here.
declare const TextDecoder: new (
  label: string,
  options: { readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

/** Bytes: a shorter text is read unit by unit, for calling the engine's decoder costs more. */
const SHORT = 12;
/** Items of an array that gets its room at once. */
const MANY = 64;
/** Bytes of a name that is remembered. */
const NAME = 32;

export class MessagePackReader {
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Names of fields by a hash of their bytes: most frames have the same few, and making them anew is half the work. */
  readonly #names: string[] = Array.from({ length: WAYS * SETS }, () => "");
  /** In which frame a name was last met: what was not yet in this one counts. */
  readonly #metIn = new Int32Array(WAYS * SETS);
  #frame = 0;
  /** The others of this frame. */
  #met: Set<string> | undefined;
  #count = 0;
  #maxNames = 0;
  #bytes: Uint8Array = new Uint8Array();
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;

  /** @throws CallaError `hostile-key`: a field `__proto__`. `too-large`: more than `maxNames` different names. */
  read(bytes: Uint8Array, maxNames: number): unknown {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#frame = (this.#frame + 1) | 0;
    this.#maxNames = maxNames;
    this.#count = 0;
    this.#met = undefined;
    return this.#value();
  }

  #value(): unknown {
    const head = this.#bytes[this.#at++]!;
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head < 0x90) return this.#object(head & 15);
    if (head < 0xa0) return this.#array(head & 15);
    if (head < 0xc0) return this.#text(head & 31);
    if (head === 0xc3) return true;
    if (head === 0xc2) return false;
    if (head === 0xc0) return null;
    return this.#other(head);
  }

  #other(head: number): unknown {
    const view = this.#view;
    const at = this.#at;
    switch (head) {
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#window(this.#size(head - 0xc4));
      case 0xca:
        this.#at += 4;
        return view.getFloat32(at);
      case 0xcb:
        this.#at += 8;
        return view.getFloat64(at);
      case 0xcc:
        this.#at += 1;
        return view.getUint8(at);
      case 0xcd:
        this.#at += 2;
        return view.getUint16(at);
      case 0xce:
        this.#at += 4;
        return view.getUint32(at);
      case 0xcf:
        this.#at += 8;
        return view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
      case 0xd0:
        this.#at += 1;
        return view.getInt8(at);
      case 0xd1:
        this.#at += 2;
        return view.getInt16(at);
      case 0xd2:
        this.#at += 4;
        return view.getInt32(at);
      case 0xd3:
        this.#at += 8;
        return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#size(head - 0xd9));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#size(head - 0xdb));
      default:
        return this.#object(this.#size(head - 0xdd));
    }
  }

  /** A length of one, two or four bytes. */
  #size(width: number): number {
    const at = this.#at;
    this.#at += 1 << width;
    if (width === 0) return this.#view.getUint8(at);
    return width === 1 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #array(size: number): unknown[] {
    // All are there, as the scan has seen. Growing one by one took three times as long: 11 of 15 ms for 100,000.
    const items: unknown[] = [];
    if (size > MANY) items.length = size;
    for (let i = 0; i < size; i++) items[i] = this.#value();
    return items;
  }

  #object(size: number): object {
    const fields: Record<string, unknown> = {};
    let tabled = false;
    for (let i = 0; i < size; i++) {
      const name = this.#name();
      if (!tabled && mayBeIndex(name)) {
        useTable(fields);
        tabled = true;
      }
      fields[name] = this.#value();
    }
    return fields;
  }

  #name(): string {
    const head = this.#bytes[this.#at++]!;
    const size = head < 0xc0 ? head & 31 : this.#size(head - 0xd9);
    if (size > NAME) return this.#rare(this.#text(size));
    const bytes = this.#bytes;
    const names = this.#names;
    const start = this.#at;
    let hash = size;
    for (let i = start; i < start + size; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const first = WAYS * ((hash ^ (hash >>> 15)) & (SETS - 1));
    for (let at = first; at < first + WAYS; at++) {
      const known = names[at]!;
      if (known.length !== size) continue;
      // Units below 128 are their own bytes; of any other text the bytes differ.
      let i = 0;
      while (i < size && known.charCodeAt(i) === bytes[start + i]) i++;
      if (i < size) continue;
      this.#at = start + size;
      if (this.#metIn[at] === this.#frame) return known;
      this.#metIn[at] = this.#frame;
      return this.#new(known);
    }
    const name = this.#text(size);
    if (name.length < size) return this.#rare(name);
    names.copyWithin(first + 1, first, first + WAYS - 1);
    this.#metIn.copyWithin(first + 1, first, first + WAYS - 1);
    names[first] = name;
    this.#metIn[first] = this.#frame;
    return this.#new(name);
  }

  /** A long name, or one that is no ASCII: not remembered from frame to frame. */
  #rare(name: string): string {
    const met = (this.#met ??= new Set());
    if (met.has(name)) return name;
    met.add(name);
    return this.#new(name);
  }

  #new(name: string): string {
    if (name === "__proto__") throw new CallaError("hostile-key", { key: name });
    if (++this.#count > this.#maxNames) throw new CallaError("too-large", { maxNames: this.#maxNames });
    return name;
  }

  #text(size: number): string {
    if (size > SHORT) return this.#utf8.decode(this.#window(size));
    const bytes = this.#bytes;
    let at = this.#at;
    const end = at + size;
    let text = "";
    while (at < end && bytes[at]! < 0x80) text += String.fromCharCode(bytes[at++]!);
    if (at === end) {
      this.#at = end;
      return text;
    }
    at = this.#at;
    this.#at = end;
    const units: number[] = [];
    while (at < end) {
      const byte = bytes[at++]!;
      if (byte < 0x80) units.push(byte);
      else if (byte < 0xe0) units.push(((byte & 0x1f) << 6) | (bytes[at++]! & 0x3f));
      else if (byte < 0xf0)
        units.push(((byte & 0x0f) << 12) | ((bytes[at++]! & 0x3f) << 6) | (bytes[at++]! & 0x3f));
      else {
        const point =
          ((byte & 0x07) << 18) |
          ((bytes[at++]! & 0x3f) << 12) |
          ((bytes[at++]! & 0x3f) << 6) |
          (bytes[at++]! & 0x3f);
        units.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
      }
    }
    return String.fromCharCode(...units);
  }

  #window(size: number): Uint8Array {
    const start = this.#at;
    this.#at += size;
    return this.#bytes.subarray(start, start + size);
  }
}
