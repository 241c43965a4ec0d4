// Who else plays in the campaign: the bridge's reference client, on the pads.
import type { SimulatedGuests } from "../src/index.ts";
import { bridgedGuest } from "./bridged-guest.ts";
import { setup } from "./wiring.ts";

const [{ slice } = { slice: undefined! }] = setup.actions;

export const guests: SimulatedGuests = {
  at: ["1", "2"].map((id) => ({ slice: slice as never, params: [id] })),
  open: bridgedGuest,
};
