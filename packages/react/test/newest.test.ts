// What only the newest React has, Activity (19.2), and what only its development build lets a test see: an error of an effect
// that a boundary has caught.
import { act, Activity } from "react";
import type { ReactNode } from "react";
import { expect, test, vi } from "vitest";
import { useTopic, useTrack } from "../src/index.ts";
import { Boundary, board, h, shown } from "./kit.ts";

const Title = (): ReactNode => {
  const { status, model } = useTopic(board, ["1"]);
  return h("b", {}, `${status} ${model?.title ?? "…"}`);
};
const activity = (mode: "hidden" | "visible"): ReactNode => h(Activity, { mode, children: h(Title) });

test("[BN14] hidden for less than linger it is shown again as it was; for longer it is let go, and asked for when it is shown", async () => {
  const { client, other, pass, render, text, asked } = await shown(activity("visible"));
  other.topic(board, "1").dispatch({ type: "renamed", title: "T" });
  await pass();
  expect(text()).toBe("live T");
  await render(activity("hidden"));
  other.topic(board, "1").dispatch({ type: "renamed", title: "U" });
  await pass(1_000);
  await render(activity("visible"));
  expect(text()).toBe("live U");
  await render(activity("hidden"));
  await pass(6_000);
  expect(asked("Unsubscribe")).toEqual(["board:1"]);
  await render(activity("visible"));
  await pass();
  expect([text(), asked("Subscribe")]).toEqual(["live U", ["@", "board:1", "board:1"]]);
  expect(client.topic(board, "1").state.status).toBe("live");
});

test("[BN14] what is rendered hidden has asked already, so it is there when it is shown soon", async () => {
  const { pass, render, text, asked } = await shown(activity("hidden"));
  await pass();
  expect(asked("Subscribe")).toContain("board:1");
  await render(activity("visible"));
  expect(text()).toBe("live ");
});

test("[BN20] what track refuses goes to the error boundary", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const Odd = (): ReactNode => {
    useTrack(board, ["1"], { name: 7 as never });
    return null;
  };
  const { text, pass } = await shown(h(Boundary, {}, h(Odd)));
  await act(async () => {});
  await pass();
  expect(text()).toBe("invalid");
});
