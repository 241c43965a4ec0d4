import { describe, expect, test } from "vitest";
import type { ChannelsHost } from "../engine/host.ts";
import type { ChannelSerialiser } from "../wire/serialiser.ts";
import { mountOf } from "./mount.ts";

type Checks = Pick<ChannelsHost, "allowsOrigin" | "hostRefusal" | "originsOf">;
const host = (checks: Partial<Checks> = {}): ChannelsHost =>
  ({
    allowsOrigin: () => true,
    hostRefusal: () => undefined,
    ...checks,
  }) as Partial<ChannelsHost> as ChannelsHost;
const request = (headers: Record<string, string> = {}) => ({ url: "/", headers, remoteAddress: undefined });

describe("what a mount goes by", () => {
  test("[CN19] its transports have their paths, or are off", () => {
    const mount = mountOf(host(), {});
    expect(mount.websocket?.place.path).toBe("/socket/websocket");
    expect(mount.longpoll?.place.path).toBe("/socket/longpoll");
    const other = mountOf(host(), { path: "/var/:t", websocket: { path: "/ws" }, longpoll: false });
    expect(other.websocket?.place.path).toBe("/var/:t/ws");
    expect(other.longpoll).toBe(undefined);
    expect(() => mountOf(host(), { path: "socket" })).toThrow(expect.objectContaining({ code: "transport" }));
  });

  test("[CN59] a mount speaks the versions it was given, by the serialisers that all mounts share", () => {
    const asked: unknown[] = [];
    const serialiser = { vsn: "2.0.0" } as ChannelSerialiser;
    const serialiserFor = (vsn?: unknown): ChannelSerialiser | undefined => {
      asked.push(vsn);
      return vsn === "2.0.0" ? serialiser : undefined;
    };
    const both = { ...host(), serialiserFor };
    expect(mountOf(both, {}).serialiserFor("2.0.0")).toBe(serialiser);
    expect(mountOf(both, {}).serialiserFor("3.0.0")).toBe(undefined);
    expect(mountOf(both, { vsns: ["1.0.0"] }).serialiserFor("2.0.0")).toBe(undefined);
    expect(asked).toEqual(["2.0.0", "3.0.0", "2.0.0"]);
  });

  test("[CN57] a check that throws lets nobody in", () => {
    const error = new Error("oops");
    const allowsOrigin = (): boolean => {
      throw error;
    };
    expect(mountOf(host({ allowsOrigin }), {}).refusalOf(request())).toEqual({
      status: 500,
      reason: "failed",
      error,
    });
  });

  test("[CN58] [CN70] the channels' policy counts where the mount has none of its own; the host's name always does", () => {
    const page = request({ origin: "https://a.example", host: "b.example" });
    const none = { allowsOrigin: () => false };
    const refused = (call: string) => ({
      status: 403,
      reason: "origin",
      why: `Pages of the origin "https://a.example" may not connect. If it is your app's, write ${call}{ origins: ["https://a.example"] }).`,
    });
    for (const originsOf of ["createChannels", "createServer"] as const)
      expect(mountOf(host({ ...none, originsOf }), {}).refusalOf(page)).toEqual(refused(`${originsOf}(`));
    expect(mountOf(host(none), { origins: "any" }).refusalOf(page)).toBe(undefined);
    expect(mountOf(host(), { origins: "same-origin" }).refusalOf(page)).toEqual(
      refused("phoenix(channels, "),
    );
    const why = "Not by this name.";
    expect(mountOf(host({ hostRefusal: () => why }), { origins: "any" }).refusalOf(page)).toEqual({
      status: 403,
      reason: "host",
      why,
    });
    expect(() => mountOf(host(), { origins: ["a.example"] })).toThrow(
      expect.objectContaining({ code: "transport" }),
    );
  });
});
