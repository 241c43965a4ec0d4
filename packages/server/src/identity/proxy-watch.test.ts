import { expect, test } from "vitest";
import { hello, wire } from "../../test/wired.ts";

const forwarded = (remoteAddress: string) => ({
  remoteAddress,
  headers: { "x-forwarded-for": "198.51.100.7" },
});
const texts = (errors: readonly unknown[]): string[] => errors.map((error) => (error as Error).message);

test("[AU22] X-Forwarded-For from a private address that is not trusted is reported once, with what to write", async () => {
  for (const address of [
    "10.0.0.7",
    "127.0.0.1",
    "::ffff:172.17.0.1",
    "192.168.0.2",
    "fd00::1",
    "::1",
    "100.64.0.9",
  ]) {
    const it = wire();
    for (let i = 0; i < 3; i++) await it.client(undefined, undefined, forwarded(address));
    expect(texts(it.errors), address).toEqual([expect.stringContaining(`trustedProxies: ["${address}"]`)]);
  }
});

test("[AU22] nothing is reported of a trusted proxy, of a visitor's own word, nor where nothing is forwarded", async () => {
  const trusting = wire({ trustedProxies: ["10.0.0.0/8"] });
  await trusting.client(undefined, undefined, forwarded("10.0.0.7"));
  const it = wire();
  for (const address of ["198.51.100.9", "172.32.0.1", "2001:db8::1"])
    await it.client(undefined, undefined, forwarded(address));
  await it.client(undefined, undefined, { remoteAddress: "10.0.0.7" });
  expect([...trusting.errors, ...it.errors]).toEqual([]);
});

test("[AU22] a hundred users on one address are reported once; one user a hundred times, and nobody signed in, are not", async () => {
  const it = wire({ authenticate: ({ token }) => (token === "" ? null : { id: String(token) }) });
  const come = async (user: string, remoteAddress: string): Promise<void> => {
    const one = it.socket({ remoteAddress });
    one.say(hello({ token: user }));
    await it.settle();
    one.drop();
  };
  for (let i = 0; i < 120; i++) await come("ada", "198.51.100.1");
  for (let i = 0; i < 99; i++) await come(`user ${i}`, "198.51.100.2");
  expect(it.errors).toEqual([]);
  for (let i = 90; i < 130; i++) await come(`user ${i}`, "198.51.100.2");
  for (let i = 0; i < 130; i++) await come(`user ${i}`, "198.51.100.3");
  expect(texts(it.errors)).toEqual([expect.stringContaining("100 users have come from 198.51.100.2")]);
  const nobody = wire();
  for (let i = 0; i < 120; i++) await nobody.client(undefined, undefined, { remoteAddress: "198.51.100.1" });
  expect(nobody.errors).toEqual([]);
}, 60_000);
