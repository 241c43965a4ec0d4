// docs/react.md: its program is cut out of the page and run before a real server.
import { createClient } from "@calla/client";
import { createServer } from "@calla/server";
import type { Serialiser } from "@calla/shared";
import { connectionPair, seededRandom, virtualClock } from "@calla/testing";
import { act } from "react";
import type { FunctionComponent } from "react";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { h, show } from "./kit.ts";
import type { board as anyBoard, wiring as anyWiring } from "./kit.ts";

test("[BN10] [BN11] [BN19] the program of docs/react.md shows cards, the fourth's rejection, and that it is offline", async () => {
  const here = `${import.meta.dirname}/`;
  const folder = `${here}.react-guide-${process.pid}/`;
  const page = await readFile(`${here}../../../docs/react.md`, "utf8");
  await mkdir(folder, { recursive: true });
  try {
    for (const [, name, code] of page.matchAll(/```tsx?\n\/\/ (\S+)\n([\s\S]*?)```/g))
      await writeFile(folder + name!, code!);
    const { board, wiring, serialiser } = (await import(`${folder}wiring.ts`)) as {
      board: typeof anyBoard;
      wiring: typeof anyWiring;
      serialiser: Serialiser;
    };
    const { Board } = (await import(`${folder}board.tsx`)) as { Board: FunctionComponent<{ id: string }> };
    const clock = virtualClock();
    const server = createServer({ wiring, serialiser, clock, random: seededRandom(1) });
    server.handle(board, { canSubscribe: () => true, canDispatch: () => true });
    const pair = connectionPair(server, { serialiser, clock, latency: () => 10 });
    const client = createClient({ wiring, serialiser: pair.serialiser, transport: pair.transport, clock });
    const { container, text, render } = await show(client, h(Board, { id: "42" }));
    const pass = (): Promise<void> => act(() => clock.advance(100));
    await pass();
    expect(text()).toBe("A new boardAdd");
    for (let clicks = 0; clicks < 4; clicks++)
      await act(async () => {
        container.querySelector("button")!.click();
        await clock.advance(0);
      });
    await pass();
    expect(text()).toBe("A new boardcard 1card 2card 3Addcard 4: full");
    pair.reachable = false;
    pair.cut();
    await pass();
    expect(text()).toContain("Offline");
    await render("");
    await act(async () => {
      const ends = [client.close(), server.stop()];
      await clock.advance(10_000);
      await Promise.all(ends);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
