// Which host belongs to a system of channels. An app holds the system, and sees nothing of what transports need.
import { CallaError } from "@calla/shared";
import type { ChannelsHost } from "./host.ts";

const HOSTS = new WeakMap<object, ChannelsHost>();

/** The host of a system of channels, for its transports. @throws CallaError `wiring`: it is none. */
export function hostOf(channels: object): ChannelsHost {
  const host = HOSTS.get(channels);
  if (host === undefined)
    throw new CallaError(
      "wiring",
      {},
      "phoenix(channels), supabase(channels) and createGroups({ channels }) need what createChannels gives.",
    );
  return host;
}
/** Remembers it; the system shows an app nothing of it. */
export const setHost = (channels: object, host: ChannelsHost): void => void HOSTS.set(channels, host);
