// Where short messages lie: at the page's foot, unless the field in use is there.
export interface Box {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}
export type Place = "foot" | "head" | "nowhere";

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * Where messages of this size cover no field: at the foot of what one sees, at its head, or nowhere for now.
 * `seen`: below the page's head and above a keyboard on the screen.
 */
export function placeOf(
  size: { readonly width: number; readonly height: number },
  field: Box | undefined,
  seen: Box,
): Place {
  if (!field) return "foot";
  const left = (seen.left + seen.right - size.width) / 2;
  const across = { left, right: left + size.width };
  if (!overlap({ ...across, top: seen.bottom - size.height, bottom: seen.bottom }, field)) return "foot";
  if (!overlap({ ...across, top: seen.top, bottom: seen.top + size.height }, field)) return "head";
  return "nowhere";
}
