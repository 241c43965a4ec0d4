// Reads only the structure of a JSON text, before anything is made of it: how deep it is, how much is in it, and
// whether a name could reach a prototype. It believes that the text is JSON; what is none, JSON.parse refuses.
import { CallaError } from "./errors.ts";
import { PER_CONTAINER } from "./count-values.ts";
import { frameNames } from "./frame-names.ts";
import type { ScanLimits } from "./frame-names.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const [SQUARE, UNSQUARE, CURLY, UNCURLY] = [0x5b, 0x5d, 0x7b, 0x7d] as const;

/**
 * @throws CallaError `too-deep`, `too-large`: over a limit. `hostile-key`: a field `__proto__`, however it is escaped.
 */
// One loop over the units, without a function per token. Measured on 1 MB of records: 6 ms, as long as JSON.parse takes.
export function scanJson(text: string, limits: ScanLimits): void {
  const { maxDepth, maxEntries, maxValues } = limits;
  const names = frameNames(limits, text.length / 5);
  const outer: number[] = []; // of every open level but the innermost: values so far
  let inside = 0; // the same of the innermost
  let values = 0;
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    // Commas, colons and white space.
    if (unit === COMMA || unit === COLON || unit <= 0x20) continue;
    if (unit === UNSQUARE || unit === UNCURLY) {
      inside = outer.pop() ?? 0;
      continue;
    }
    if (unit === QUOTE) {
      const start = ++i;
      let escaped = false;
      for (; i < length; i++) {
        const inText = text.charCodeAt(i);
        if (inText === QUOTE) break;
        if (inText !== BACKSLASH) continue;
        escaped = true;
        i++;
      }
      if (isBeforeColon(text, i + 1)) {
        if (isProto(text, start, i, escaped)) throw new CallaError("hostile-key", { key: "__proto__" });
        names?.met(text, start, i);
        continue;
      }
    } else if (unit === SQUARE || unit === CURLY) {
      if (outer.length >= maxDepth) throw new CallaError("too-deep", { maxDepth });
      if ((values += PER_CONTAINER) > maxValues) throw new CallaError("too-large", { maxValues });
      if (++inside > maxEntries) throw new CallaError("too-large", { maxEntries });
      outer.push(inside);
      inside = 0;
      continue;
    } else {
      while (i + 1 < length && isWithinScalar(text.charCodeAt(i + 1))) i++;
    }
    if (++values > maxValues) throw new CallaError("too-large", { maxValues });
    if (++inside > maxEntries) throw new CallaError("too-large", { maxEntries });
  }
}

/** Numbers and the three words: nothing in them is one of these. */
const isWithinScalar = (unit: number): boolean =>
  unit !== COMMA && unit !== UNCURLY && unit !== UNSQUARE && unit > 0x20;

function isBeforeColon(text: string, at: number): boolean {
  let unit = text.charCodeAt(at);
  while (unit <= 0x20) unit = text.charCodeAt(++at);
  return unit === COLON;
}

const PROTO = "__proto__";

/** Each unit of it is written as it is, or as \u and four digits; there is no shorter escape of one. */
function isProto(text: string, start: number, end: number, escaped: boolean): boolean {
  if (!escaped) return end - start === PROTO.length && text.startsWith(PROTO, start);
  let at = start;
  for (let i = 0; i < PROTO.length; i++) {
    if (text.charCodeAt(at) !== BACKSLASH) {
      if (text[at++] !== PROTO[i]) return false;
      continue;
    }
    if (Number(`0x${text.slice(at + 2, at + 6)}`) !== PROTO.charCodeAt(i)) return false;
    at += 6;
  }
  return at === end;
}
