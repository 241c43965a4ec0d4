import { describe, expect, test } from "vitest";
import { UnsayableMessage } from "./serialiser.ts";
import type { ChannelSerialiser } from "./serialiser.ts";
import { sharedMessage } from "./shared-message.ts";
import { serialiserFor } from "./vsn.ts";

const v1 = serialiserFor("1.0.0")!;
const v2 = serialiserFor("2.0.0")!;
function counted(serialiser: ChannelSerialiser): { serialiser: ChannelSerialiser; calls: number } {
  const count = {
    calls: 0,
    serialiser: {
      ...serialiser,
      broadcast(...message: Parameters<ChannelSerialiser["broadcast"]>) {
        count.calls++;
        return serialiser.broadcast(...message);
      },
    },
  };
  return count;
}

describe("a message for many", () => {
  test("[BC13] is encoded once for each serialiser that is used, and all get the same frame", () => {
    const [first, second, unused] = [counted(v1), counted(v2), counted(v2)];
    const shared = sharedMessage("t", "e", { a: 1 });
    const frame = shared.in(second.serialiser);
    expect(frame).toEqual(v2.broadcast("t", "e", { a: 1 }));
    expect(shared.in(first.serialiser)).toEqual(v1.broadcast("t", "e", { a: 1 }));
    expect(shared.in(second.serialiser)).toBe(frame);
    expect([first.calls, second.calls, unused.calls]).toEqual([1, 1, 0]);
    expect(shared.unsayable).toBeUndefined();
  });

  test("[BI20] that one serialiser cannot carry is carried by the others, is tried once, and says why", () => {
    const first = counted(v1);
    const shared = sharedMessage("t", "e", Uint8Array.of(1));
    expect(shared.in(first.serialiser)).toBeUndefined();
    expect(shared.in(v2)).toEqual(v2.broadcast("t", "e", Uint8Array.of(1)));
    expect(shared.in(first.serialiser)).toBeUndefined();
    expect(first.calls).toBe(1);
    expect(shared.unsayable).toBeInstanceOf(UnsayableMessage);
  });

  test("hides no mistake of a serialiser", () => {
    const broken: ChannelSerialiser = {
      ...v2,
      broadcast: () => {
        throw new TypeError("broken");
      },
    };
    expect(() => sharedMessage("t", "e", {}).in(broken)).toThrow("broken");
  });
});
