import { describe, expect, test } from "vitest";
import { takeToken } from "./subprotocol-token.ts";

const carrier = (token: string): string => `base64url.bearer.phx.${token}`;
const b64 = (bytes: string | Uint8Array): string =>
  Buffer.from(bytes as string)
    .toString("base64")
    .replace(/=+$/, "");

describe("a token in the subprotocols", () => {
  test.each(["tok", "secret.tok~é?", "", "eyJhbGciOiJIUzI1NiJ9.e30.x-_", "日本"])(
    "[CN30] %j is taken out",
    (token) => {
      expect(takeToken(["phoenix", carrier(b64(token))])).toEqual({
        token,
        malformed: false,
        others: ["phoenix"],
      });
    },
  );

  test("[CN30] padding is ignored, and characters that btoa wrote as single bytes are read back", () => {
    expect(takeToken([carrier("YQ==")]).token).toBe("a");
    expect(takeToken([carrier(btoa("caf\u00e9"))]).token).toBe("caf\u00e9");
  });

  test("[CN31] it may stand anywhere", () => {
    expect(takeToken([carrier("dG9r"), "phoenix"])).toEqual({
      token: "tok",
      malformed: false,
      others: ["phoenix"],
    });
  });

  test("[CN33] none is none", () => {
    expect(takeToken([])).toEqual({ token: undefined, malformed: false, others: [] });
    expect(takeToken(["phoenix"])).toEqual({ token: undefined, malformed: false, others: ["phoenix"] });
    expect(takeToken(["base64url.bearer.phx", "Base64url.bearer.phx.YQ"]).token).toBe(undefined);
  });

  test.each(["!!!", "a", "YQ=a", "a-b_", "YQ===", "a b", "abcde"])("[CN34] %j is malformed", (text) => {
    expect(takeToken(["phoenix", carrier(text)])).toEqual({
      token: undefined,
      malformed: true,
      others: ["phoenix"],
    });
  });

  test("[CN35] two are none", () => {
    const offered = ["phoenix", carrier("YQ"), carrier("Yg")];
    expect(takeToken(offered)).toEqual({ token: undefined, malformed: false, others: offered });
    expect(takeToken([carrier("YQ"), carrier("YQ")]).token).toBe(undefined);
  });
});
