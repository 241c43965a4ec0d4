// Who is here, and what a component says of itself.
import { StrictMode } from "react";
import type { ReactNode } from "react";
import { expect, test } from "vitest";
import { usePresence, useTrack } from "../src/index.ts";
import { board, h, shown } from "./kit.ts";

const Names = (): ReactNode =>
  usePresence(board, ["1"], ({ list }) => [...list.values()].flat().map(({ meta }) => meta.name))
    .toSorted()
    .join();
const Me = ({ name }: { name: string | undefined }): ReactNode => {
  useTrack(board, ["1"], name === undefined ? undefined : { name });
  return null;
};

test("[BN20] those who are here are shown, oneself for as long as the component is, and a meta is said once", async () => {
  const here = (name: string | undefined): ReactNode => h(StrictMode, {}, h(Me, { name }), h(Names));
  const { other, frames, pass, render, text } = await shown(here("Ada"));
  other.topic(board, "1").presence.track({ name: "Bo" });
  await pass();
  expect(text()).toBe("Ada,Bo");
  const tracks = (): number => frames.filter(({ type }) => type === "Track").length;
  const said = tracks();
  await render(here("Ada"));
  await pass();
  expect(tracks()).toBe(said);
  await render(here("Eve"));
  expect(text()).toBe("Bo,Eve");
  await render(here(undefined));
  await pass();
  expect(text()).toBe("Bo");
  await render(here("Ada"));
  await pass();
  await render(h(Names));
  await pass();
  expect([text(), other.topic(board, "1").presence.count]).toEqual(["Bo", 1]);
});

test("[BN20] without select the whole of it is one object until something changes", async () => {
  const seen: unknown[] = [];
  const Whole = (): ReactNode => {
    const here = usePresence(board, ["1"]);
    seen.push(here);
    return `${here.status} ${here.count}`;
  };
  const { pass, render, text } = await shown(h(Whole));
  await pass();
  await render(h(Whole));
  expect(text()).toBe("live 0");
  expect(seen.at(-1)).toBe(seen.at(-2));
});
