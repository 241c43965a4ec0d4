// Guests in a run's plan: clients of another kind than Calla's (setup.ts), who they are, and their steps among the others'.
import type { SeededRandom } from "../doubles/random.ts";
import type { LostWay, SimulationSetup } from "./setup.ts";

/** What a guest does, or what happens to it. `guest`: the how-manieth. */
export type GuestStep = { readonly guest: number } & (
  | {
      readonly do: "guest-acts";
      readonly action: number;
      readonly seed: number;
      readonly count: number;
    }
  /** Its connection breaks. `loses`: what was under way there is lost; the rest has arrived. */
  | { readonly do: "guest-cut"; readonly loses: LostWay }
  | { readonly do: "guest-moves"; readonly node: number }
  /** It has no network. */
  | { readonly do: "guest-away"; readonly for: number }
  /** Its page is closed, and another one opened, which knows nothing. */
  | { readonly do: "guest-reloads" }
  /** A server ends its subscription. */
  | { readonly do: "guest-revoked" }
);

/** One guest of a run. */
export interface GuestConfig {
  readonly user: string | null;
  readonly node: number;
  /** Which of the places of the setup's guests it is at. */
  readonly place: number;
}

/** The share of runs that have guests, where there are any. */
const GUESTS = 0.2;

export function drawGuests(
  random: SeededRandom,
  { guests }: SimulationSetup<never, never>,
  { nodes, visitors }: { readonly nodes: number; readonly visitors: boolean },
): readonly GuestConfig[] {
  if (guests === undefined || !random.chance(GUESTS)) return [];
  return Array.from({ length: random.int(1, 2) }, () => ({
    user: visitors ? null : `user-${random.int(1, 3)}`,
    node: random.int(0, nodes - 1),
    place: random.int(0, guests.at.length - 1),
  }));
}

/** Each guest does something about as often as any client. */
export function withGuests<S>(
  steps: readonly S[],
  random: SeededRandom,
  guests: readonly GuestConfig[],
  { nodes, setup }: { readonly nodes: number; readonly setup: SimulationSetup<never, never> },
): readonly (S | (GuestStep & { readonly after: number }))[] {
  const found: (S | (GuestStep & { readonly after: number }))[] = steps.slice();
  for (const [guest, { place }] of guests.entries()) {
    const actions = actionsAt(setup, place);
    for (let times = Math.ceil(steps.length / 4); times > 0; times--) {
      const step = drawStep(random.fork(`${guest} ${times}`), { guest, nodes, actions });
      found.splice(random.int(0, found.length), 0, { ...step, after: 0 });
    }
  }
  return found;
}

/** Indices of what clients do there, with their weights. */
function actionsAt(
  { actions, guests }: SimulationSetup<never, never>,
  place: number,
): Readonly<Record<number, number>> {
  const { slice, params } = guests!.at[place]!;
  const here = actions.flatMap((action, i) =>
    action.by === "client" && action.slice === slice && action.params.join() === params.join()
      ? [[i, action.weight] as const]
      : [],
  );
  return Object.fromEntries(here);
}

function drawStep(
  random: SeededRandom,
  {
    guest,
    nodes,
    actions,
  }: { readonly guest: number; readonly nodes: number; readonly actions: Readonly<Record<number, number>> },
): GuestStep {
  const what = random.weighted({
    acts: 12,
    cut: 3,
    moves: nodes > 1 ? 2 : 0,
    away: 1,
    reloads: 0.5,
    revoked: 0.5,
  });
  switch (what) {
    case "acts": {
      const action = Number(random.weighted(actions));
      const count = random.chance(0.7) ? 1 : random.int(2, 6);
      return { do: "guest-acts", guest, action, seed: random.uint32(), count };
    }
    case "cut":
      return { do: "guest-cut", guest, loses: random.pick(["both", "to-server", "to-client"]) };
    case "moves":
      return { do: "guest-moves", guest, node: random.int(0, nodes - 1) };
    case "away":
      return { do: "guest-away", guest, for: random.int(5, 1_500) };
    default:
      return { do: `guest-${what}`, guest };
  }
}
