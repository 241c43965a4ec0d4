// The operations of a JSON Patch (RFC 6902) that are made here, and how many bytes each has as JSON.
import { textBytes } from "./measure.ts";

/**
 * One operation of a JSON Patch; `path` and `from` are JSON Pointers (RFC 6901). Of the RFC's others, `copy` and `test` are
 * never made.
 */
export type Operation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move"; readonly from: string; readonly path: string };

/** Without a value: `{"op":"add","path":…,"value":}`. */
export const valuedBytes = (op: "add" | "replace", path: string): number =>
  (op === "add" ? 29 : 33) + textBytes(path);

export const removeBytes = (path: string): number => 23 + textBytes(path);

export const moveBytes = (from: string, path: string): number => 29 + textBytes(from) + textBytes(path);

/** One more level of a pointer: `~` and `/` of a name are written `~0` and `~1`. */
export const below = (path: string, name: string): string =>
  `${path}/${ESCAPED.test(name) ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name}`;
const ESCAPED = /[~/]/;

/**
 * Whether appliers of patches keep away from a field of this name, for by such names a careless one reaches a prototype.
 * fast-json-patch 3.1 throws, and rfc6902 5.4 takes the parent for the field and says nothing.
 */
export const isShunned = (name: string): boolean =>
  name === "__proto__" || name === "constructor" || name === "prototype";
