import { expect, it } from "vitest";
import { readRecordings } from "../recording/read-recordings.ts";
import { conversationNames, differsIn, type Conversation } from "./check.ts";
import { ids } from "./ids.ts";
import { checks, differences } from "./table.ts";

const recorded = readRecordings().flatMap(({ scenarios }) => scenarios);
const written = checks.flatMap(({ written = [] }) => written);
const all = new Map<string, Conversation>([...recorded, ...written].map((one) => [one.scenario, one]));
/** The ids that have ◆ in the words of Calla's spec, and those that a recorded conversation brings under it. */
const DIFFERING =
  "CN34 CN55 CN64 HB6 HB7 HB8 HB9 JN16 JN32 CT4 MS11 MS13 MS14 MS20 MS21 MS24 BC7 BC8 BC9 BC10 LV17 LV33 BI19 BI20 BI22 MF22 MF23 MF24 MF25 PR9 PR14 LP8 LP11 LP12 LP13 LP17 LP19 LP25 LP54 DC3 DC4 DC5";

it("has a check for each rule of the wire, once, in any order", () => {
  expect(checks.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
  expect(new Set(ids).size).toBe(ids.length);
});

it("shows each rule by conversations or by code, or says why it does not", () => {
  for (const { id, says, over, scenarios = [], written = [], run, notRun } of checks) {
    expect(says, id).toMatch(/^[A-Z"/].*[.)]$/s);
    expect(over.length, id).toBeGreaterThan(0);
    const shown = scenarios.length + written.length > 0 || run !== undefined;
    expect(shown, id).toBe(notRun === undefined);
    expect(notRun ?? "Shown.", id).toMatch(/^[A-Z].*[.]$/s);
  }
});

it("uses every recorded conversation, and none that is not", () => {
  const used = new Set(checks.flatMap(({ scenarios = [] }) => scenarios));
  expect(recorded.map(({ scenario }) => scenario).filter((name) => !used.has(name))).toEqual([]);
  const known = new Set(recorded.map(({ scenario }) => scenario));
  expect([...used].filter((name) => !known.has(name))).toEqual([]);
});

it("has a name of its own for each conversation that was written, and topics of its own", () => {
  const names = [...recorded, ...written].map(({ scenario }) => scenario);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  const topicsOf = ({ steps }: Conversation): string[] => [
    ...new Set(JSON.stringify(steps).match(/(?:room|typed):[\w-]+/g)),
  ];
  const owners = new Map<string, string>();
  for (const one of written) {
    for (const topic of topicsOf(one)) {
      expect(owners.get(topic) ?? one.scenario, topic).toBe(one.scenario);
      owners.set(topic, one.scenario);
    }
  }
});

it("says of each rule in which Calla differs what Calla does, unless the sentence is true of both", () => {
  const ofBoth = "HB7 HB8 HB9 MS13 MS24 BC8 BC9 BC10 LP12 LP17 DC5".split(" ");
  const differing = checks.filter((check) => differsIn(check, differences));
  expect(differing.filter(({ says }) => !/ \(Calla: [^)]*\)$/.test(says)).map(({ id }) => id)).toEqual(
    checks.map(({ id }) => id).filter((id) => ofBoth.includes(id)),
  );
});

it("has in each conversation that was written something done before anything is heard", () => {
  for (const { scenario, about, steps } of written) {
    expect(about, scenario).not.toBe("");
    const done = new Set<string>();
    for (const step of steps) {
      const who = step.who ?? "main";
      if ("hear" in step) expect(done, scenario).toContain(who);
      else if (step.do !== "pause") done.add(who);
    }
    expect(
      steps.some((step) => "hear" in step),
      scenario,
    ).toBe(true);
    const last = steps.findLastIndex((step) => "do" in step);
    for (const [i, step] of steps.entries()) {
      if ("hear" in step && step.maybe === true) expect([step.floats, i > last]).toEqual([true, true]);
    }
  }
});

it("plays over LongPoll only what a check has, over WebSocket, in frames of text", () => {
  for (const check of checks) {
    for (const name of check.overLongPoll ?? []) {
      expect(conversationNames(check), check.id).toContain(name);
      expect(check.over, check.id).toContain("longpoll");
      for (const step of all.get(name)?.steps ?? []) {
        const kind = "do" in step ? step.do : step.hear;
        expect(["upgrade", "text", "vanish", "pause", "upgraded"], name).toContain(kind);
        if ("path" in step) expect(step.path, name).toMatch(/\/websocket\?vsn=2/);
      }
    }
  }
});

it("knows each difference by a conversation of a check, which it changes, with a reason", () => {
  for (const [name, { why, steps, always }] of Object.entries(differences)) {
    const { steps: said = [] } = all.get(name) ?? {};
    expect(said.length, name).toBeGreaterThan(0);
    expect(steps(said), name).not.toEqual(said);
    expect(why, name).toMatch(/^[A-Z].{20,}[.]$/s);
    if (typeof always !== "function") continue;
    // Under strictPhoenix it is another answer again.
    expect(always(said), name).not.toEqual(said);
    expect(always(said), name).not.toEqual(steps(said));
  }
});

it("differs from Phoenix in these", () => {
  const differing = checks.filter((check) => differsIn(check, differences)).map(({ id }) => id);
  expect(differing.toSorted()).toEqual(DIFFERING.split(" ").toSorted());
});
