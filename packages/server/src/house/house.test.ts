// What both halves share: options are checked once, and who stands beside is remembered.
import { describe, expect, it } from "vitest";
import { createServer } from "../server.ts";
import { automatic, json } from "@calla/shared";
import { wiring } from "../../test/wired.ts";
import { houseOf, openHouse } from "./house.ts";

const request = (headers: Record<string, string>, remoteAddress?: string) => ({
  url: "/",
  headers,
  remoteAddress,
});

describe("house", () => {
  it.each([
    [{ origins: ["app.example"] }, /origin/],
    [{ hosts: ["https://app.example"] }, /host/i],
    [{ trustedProxies: ["nowhere"] }, /address/],
    [{ limits: { maxFrameByte: 1 } }, /maxFrameByte/],
  ])("[DC11] refuses %j with a sentence", (options, sentence) => {
    expect(() => openHouse(options as never)).toThrow(sentence);
  });
  it("[DC11] says who may connect and how an address is counted", () => {
    const house = openHouse({ origins: ["https://app.example"], trustedProxies: ["10.0.0.1"] });
    expect(house.allowsOrigin(request({ origin: "https://app.example" }))).toBe(true);
    expect(house.allowsOrigin(request({ origin: "https://other.example" }))).toBe(false);
    expect(house.allowsAnyOrigin).toBe(false);
    expect(house.addressOf(request({ "x-forwarded-for": "203.0.113.7" }, "10.0.0.1"))).toBe("203.0.113.7");
  });
  it("[AU11] reports what the function threw that says who may", () => {
    const told: unknown[] = [];
    const error = new Error("oops");
    const origins = (): never => {
      throw error;
    };
    const house = openHouse({ origins, onError: (one) => void told.push(one) });
    expect(house.allowsOrigin(request({}))).toBe(false);
    expect(told).toEqual([error]);
  });
  it("[OV1] an error reaches the reporter, and the observers", () => {
    const told: unknown[] = [];
    const boom = new Error("boom");
    const house = openHouse({
      onError: (error) => void told.push(error),
      observe: (event) => void told.push(event),
    });
    house.report(boom);
    expect(told).toEqual([{ type: "error", error: boom }, boom]);
  });
  it("[DC11] a server has one, and what is no server has none", async () => {
    const server = createServer({ wiring, serialiser: automatic(json()) });
    expect(houseOf(server)?.limits).toBe(server.limits);
    expect(houseOf({})).toBeUndefined();
    await server.stop();
  });
});
