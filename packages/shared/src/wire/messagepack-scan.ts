// Reads only the structure of a MessagePack frame, before anything is made of it: every announced item is met before
// any is made, and depth, lengths and the number of values have limits.
import { PER_BYTES, PER_CONTAINER, PER_TABLE, PER_TAG } from "../values/count-values.ts";
import { CallaError } from "../base/errors.ts";

export interface ScanLimits {
  readonly maxDepth: number;
  readonly maxEntries: number;
  readonly maxValues: number;
}

/**
 * @throws CallaError `undecodable`: cut short, followed by more, an extension type, a key that is no text, an integer
 * that a double does not hold. `too-deep`, `too-large`: over a limit.
 */
export function scan(bytes: Uint8Array, limits: ScanLimits): void {
  try {
    scanView(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), limits);
  } catch (thrown) {
    throw thrown instanceof RangeError ? undecodable("it is cut short") : thrown;
  }
}

// One loop, without a function per type: so it takes a sixth of the time that decoding takes (70 KB: 0.22 of 1.3 ms).
// oxlint-disable-next-line complexity -- reason: one loop, without a call per value
function scanView(view: DataView, { maxDepth, maxEntries, maxValues }: ScanLimits): void {
  const levels: number[] = []; // of every open level but the innermost: values still to come
  let left = 1; // the same of the innermost; negative in a map, where keys and values take turns
  let at = 0;
  const tables: boolean[] = []; // of every open level but the innermost: a name in it begins with a digit
  let tabled = false; // the same of the innermost
  let values = 0; // as countValues has it

  const open = (size: number, come: number): void => {
    if (levels.length >= maxDepth) throw new CallaError("too-deep", { maxDepth });
    if (size > maxEntries) throw new CallaError("too-large", { maxEntries });
    count(PER_CONTAINER - 1);
    levels.push(left);
    tables.push(tabled);
    left = come;
    tabled = false;
  };
  const count = (more: number): void => {
    if ((values += more) > maxValues) throw new CallaError("too-large", { maxValues });
  };

  for (;;) {
    while (left === 0) {
      const outer = levels.pop();
      if (outer === undefined) {
        if (at === view.byteLength) return;
        throw undecodable(at < view.byteLength ? "more bytes follow it" : "it is cut short");
      }
      left = outer;
      tabled = tables.pop()!;
    }
    const head = view.getUint8(at++);
    if (left < 0) {
      const isName = left % 2 === 0;
      if (isName && !isText(head)) throw undecodable("a key is no text");
      if (!isName) count(1);
      else if (head === 0xa1 && view.getUint8(at) === DOLLAR)
        count(isBytesTag(view, at + 1) ? PER_TAG + PER_BYTES : PER_TAG);
      else if (!tabled && beginsWithDigit(view, head, at)) {
        tabled = true;
        count(PER_TABLE);
      }
      left++;
    } else {
      count(1);
      left--;
    }
    if (head < 0x80 || head >= 0xe0) continue;
    if (head < 0x90) open(head & 15, -2 * (head & 15));
    else if (head < 0xa0) open(head & 15, head & 15);
    else if (head < 0xc0) at += head & 31;
    else if (head >= 0xdc) {
      const wide = head === 0xdd || head === 0xdf;
      const size = wide ? view.getUint32(at) : view.getUint16(at);
      at += wide ? 4 : 2;
      open(size, head < 0xde ? size : -2 * size);
    } else {
      // Bytes are what their tagged value is in JSON.
      if (head >= 0xc4 && head <= 0xc6) count(PER_CONTAINER + 1 + PER_TAG + PER_BYTES);
      at += scalarLength(view, head, at);
    }
  }
}

const isText = (head: number): boolean => (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb);

const DOLLAR = 0x24;

/** The text there begins with `by`, however its length is written: no other tag of ours does. */
function isBytesTag(view: DataView, at: number): boolean {
  const head = view.getUint8(at);
  if (!isText(head)) return false;
  const first = head < 0xc0 ? at + 1 : at + 1 + (1 << (head - 0xd9));
  return first + 1 < view.byteLength && view.getUint16(first) === 0x6279;
}

function beginsWithDigit(view: DataView, head: number, at: number): boolean {
  if (head === 0xa0) return false;
  const first = view.getUint8(head < 0xc0 ? at : at + (1 << (head - 0xd9)));
  return first >= 0x30 && first <= 0x39;
}

/** Bytes that follow the head of what holds no other values. */
function scalarLength(view: DataView, head: number, at: number): number {
  const fixed = FIXED[head - 0xc0]!;
  if (fixed >= 0) return fixed;
  if (head === 0xc4 || head === 0xd9) return 1 + view.getUint8(at);
  if (head === 0xc5 || head === 0xda) return 2 + view.getUint16(at);
  if (head === 0xc6 || head === 0xdb) return 4 + view.getUint32(at);
  // Extensions, and the one head that MessagePack never uses.
  if (head !== 0xcf && head !== 0xd3) throw undecodable("a type is not ours");
  const integer = head === 0xcf ? view.getBigUint64(at) : view.getBigInt64(at);
  if (Number.isSafeInteger(Number(integer))) return 8;
  throw undecodable("an integer is too large");
}

/** From nil (0xc0) to int 64 (0xd3) and on; -1: by what follows, or none of ours. */
const FIXED = Int8Array.of(
  0,
  -1,
  0,
  0,
  -1,
  -1,
  -1,
  -1,
  -1,
  -1,
  4,
  8,
  1,
  2,
  4,
  -1,
  1,
  2,
  4,
  -1,
  ...Array.from({ length: 12 }, () => -1),
);

const undecodable = (problem: string): CallaError =>
  new CallaError("undecodable", { format: "messagepack", problem });
