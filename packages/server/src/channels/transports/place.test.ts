import { expect, test } from "vitest";
import { placeAt } from "./place.ts";

const found = (place: ReturnType<typeof placeAt>, path: string): unknown => {
  const variables = place.variablesOf(path);
  return variables === undefined ? undefined : { ...variables };
};

test("[CN18] a path's variables are what stands there, decoded", () => {
  const place = placeAt("/var/:tenant", "/custom/:more");
  expect(place.path).toBe("/var/:tenant/custom/:more");
  expect(found(place, "/var/t1/custom/m1")).toEqual({ tenant: "t1", more: "m1" });
  expect(found(place, "/var/%C3%A4/custom/%zz")).toEqual({ tenant: "ä", more: "%zz" });
  expect(found(place, "/var/t1/custom")).toBe(undefined);
  expect(found(place, "/var/t1/custom/m1/more")).toBe(undefined);
  expect(found(place, "/var//custom/m1")).toBe(undefined);
  expect(Object.getPrototypeOf(place.variablesOf("/var/t1/custom/m1"))).toBe(null);
});

test("[CN19] the transports' paths stand below the mount's", () => {
  expect(found(placeAt("/socket", "/websocket"), "/socket/websocket")).toEqual({});
  expect(found(placeAt("/", "/ws"), "/ws")).toEqual({});
  for (const path of ["/socket", "/websocket", "/Socket/websocket", "/socket/websocket2", "/"])
    expect(found(placeAt("/socket", "/websocket"), path)).toBe(undefined);
});

test.each(["socket", "", "/a?b", "/a#b", "/socket/*", "/a b", "/:", "/:a/:a"])(
  "[CN19] %j is no path of a mount",
  (path) => {
    expect(() => placeAt(path, "/websocket")).toThrow(expect.objectContaining({ code: "transport" }));
  },
);

test.each(["/socket/websocket/", "//socket//websocket", "/socket/websocket//"])(
  "[CN20] %j is taken: a slash too many changes nothing",
  (path) => {
    expect(found(placeAt("/socket", "/websocket"), path)).toEqual({});
  },
);
