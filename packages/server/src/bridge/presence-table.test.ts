import type { ServerFrames } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { PresenceTable } from "./presence-table.ts";

const frame = (more: object): ServerFrames["Presence"] => ({
  type: "Presence",
  target: "board:1",
  at: 1,
  joins: [],
  leaves: [],
  ...more,
});
type Metas = { readonly [key: string]: { readonly metas: readonly { readonly phx_ref: string }[] } };

describe("presence in Phoenix's words", () => {
  test("[BR20] a client has one ref for one meta, whoever is told and when", () => {
    const [one, two] = [new PresenceTable(), new PresenceTable()];
    const whole = one.heard(frame({ joins: [[1, "ann", { n: 1 }]] }));
    expect(whole.event).toBe("presence_state");
    two.heard(frame({}));
    const diff = two.heard(frame({ after: 1, at: 2, joins: [[1, "ann", { n: 1 }]] }));
    expect(diff.event).toBe("presence_diff");
    const { joins } = diff.payload as unknown as { readonly joins: Metas };
    expect(joins).toEqual({ ...(whole.payload as unknown as Metas) });
  });

  test("[BR20] an update is one of each, and two of one key are two metas", () => {
    const table = new PresenceTable();
    const whole = table.heard(
      frame({
        joins: [
          [1, "ann", { n: 1 }],
          [2, "ann", 7],
        ],
      }),
    ).payload as unknown as Metas;
    const [first] = whole["ann"]!.metas;
    expect(whole["ann"]!.metas).toMatchObject([{ n: 1 }, { value: 7 }]);
    const { joins, leaves } = table.heard(
      frame({ after: 1, at: 2, joins: [[1, "ann", { n: 2, phx_ref: "mine" }]] }),
    ).payload as unknown as { readonly joins: Metas; readonly leaves: Metas };
    expect(leaves["ann"]!.metas).toEqual([first]);
    expect(joins["ann"]!.metas).toEqual([
      { n: 2, phx_ref: expect.any(String), phx_ref_prev: first!.phx_ref },
    ]);
    expect(joins["ann"]!.metas[0]!.phx_ref).not.toBe("mine");
    const gone = table.heard(frame({ after: 2, at: 3, leaves: [1] })).payload as unknown as {
      readonly leaves: Metas;
    };
    expect(gone.leaves["ann"]!.metas).toEqual(joins["ann"]!.metas);
  });

  test("[BR20] where it does not know who has gone it tells who is there; where there are many, how many", () => {
    const table = new PresenceTable();
    table.heard(frame({ joins: [[1, "__proto__", {}]] }));
    const state = table.heard(frame({ after: 1, at: 2, leaves: [5] }));
    expect([state.event, Object.keys(state.payload as object)]).toEqual(["presence_state", ["__proto__"]]);
    expect(table.heard(frame({ after: 2, at: 3, joins: [[1, "__proto__", {}]] })).event).toBe(
      "presence_state",
    );
    expect(table.heard(frame({ count: 5_000 }))).toMatchObject({
      event: "presence_count",
      payload: { count: 5_000 },
    });
  });
});
