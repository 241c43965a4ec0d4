// Reads only the structure of a MessagePack frame, before anything is made of it: every announced item is met before
// any is made, and depth, lengths and the number of values have limits.
import { PER_CONTAINER } from "./count-values.ts";
import { CallaError } from "./errors.ts";

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
function scanView(view: DataView, { maxDepth, maxEntries, maxValues }: ScanLimits): void {
  const levels: number[] = []; // of every open level but the innermost: values still to come
  let left = 1; // the same of the innermost; negative in a map, where keys and values take turns
  let at = 0;
  let values = 0; // as countValues has it

  const open = (size: number, come: number): void => {
    if (levels.length >= maxDepth) throw new CallaError("too-deep", { maxDepth });
    if (size > maxEntries) throw new CallaError("too-large", { maxEntries });
    count(PER_CONTAINER - 1);
    levels.push(left);
    left = come;
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
    }
    const head = view.getUint8(at++);
    if (left < 0) {
      const isName = left % 2 === 0;
      if (isName && !isText(head)) throw undecodable("a key is no text");
      if (!isName) count(1);
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
      if (head >= 0xc4 && head <= 0xc6) count(PER_BYTES - 1);
      at += scalarLength(view, head, at);
    }
  }
}

const PER_BYTES = PER_CONTAINER + 2;

const isText = (head: number): boolean => (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb);

/** Bytes that follow the head of what holds no other values. */
function scalarLength(view: DataView, head: number, at: number): number {
  const fixed = FIXED.get(head);
  if (fixed !== undefined) return fixed;
  if (head === 0xc4 || head === 0xd9) return 1 + view.getUint8(at);
  if (head === 0xc5 || head === 0xda) return 2 + view.getUint16(at);
  if (head === 0xc6 || head === 0xdb) return 4 + view.getUint32(at);
  // Extensions, and the one head that MessagePack never uses.
  if (head !== 0xcf && head !== 0xd3) throw undecodable("a type is not ours");
  const integer = head === 0xcf ? view.getBigUint64(at) : view.getBigInt64(at);
  if (Number.isSafeInteger(Number(integer))) return 8;
  throw undecodable("an integer is too large");
}

// nil, false, true; float 32 and 64; uint 8, 16, 32; int 8, 16, 32.
const FIXED = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
]);

const undecodable = (problem: string): CallaError =>
  new CallaError("undecodable", { format: "messagepack", problem });
