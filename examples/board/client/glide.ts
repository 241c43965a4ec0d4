// Cards slide from where they were to where they are.
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** By the cards' ids, seen from the corner of what they lie in. */
export type Places = ReadonlyMap<string, readonly [left: number, top: number]>;

const cardsIn = (area: HTMLElement): HTMLElement[] => [...area.querySelectorAll<HTMLElement>(".card")];

export function placesIn(area: HTMLElement): Places {
  const corner = area.getBoundingClientRect();
  return new Map(
    cardsIn(area).map((card) => {
      const { left, top } = card.getBoundingClientRect();
      return [card.dataset["id"] ?? "", [left - corner.left, top - corner.top]];
    }),
  );
}

/** Returns where they are. */
export function glide(area: HTMLElement, before: Places): Places {
  const cards = cardsIn(area);
  for (const animation of cards.flatMap((card) => card.getAnimations()))
    if (animation.id === "glide") animation.cancel();
  const places = placesIn(area);
  for (const card of still.matches ? [] : cards) {
    const id = card.dataset["id"] ?? "";
    const [from, to] = [before.get(id), places.get(id)];
    if (!from || !to) continue;
    const [x, y] = [from[0] - to[0], from[1] - to[1]];
    if (x === 0 && y === 0) continue;
    const frames = { transform: [`translate(${x}px, ${y}px)`, "none"] };
    card.animate(frames, { id: "glide", duration: 180, easing: "ease-out" });
  }
  return places;
}
