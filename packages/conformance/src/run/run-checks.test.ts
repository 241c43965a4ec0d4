// The kit itself, against the stub that plays the recorded Phoenix: as it was recorded, as Calla would answer, and with mistakes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PassingTime } from "../../test/passing-time.ts";
import { differsIn, type Check, type Difference, type Differences } from "../checks/check.ts";
import { checks, differences } from "../checks/table.ts";
import { readRecordings } from "../recording/read-recordings.ts";
import type { Hearing, Json, Scenario } from "../recording/recording.ts";
import { startStub, type Stub, type StubOptions } from "../stub/start-stub.ts";
import type { Report, Result } from "./outcome.ts";
import { runChecks, type RunOptions } from "./run-checks.ts";

/** They are about time, or end their server: each has a stub of its own, and time that passes when it is told to. */
const ALONE = /^(idle|lp|client|server|drain|terminate-drain)-?/;
/** A machine may have much else to do. */
const PATIENCE = 20_000;

const recorded = new Map(
  readRecordings().flatMap(({ scenarios }) => scenarios.map((scenario) => [scenario.scenario, scenario])),
);

async function against(options: StubOptions, run: Partial<RunOptions>): Promise<Report> {
  const shared = await startStub(options);
  try {
    return await runChecks({
      url: shared.url,
      recorded: true,
      atOnce: 16,
      patience: PATIENCE,
      ownServer: async (name) => {
        if (!ALONE.test(name)) return undefined;
        const time = new PassingTime();
        const own: Stub = await startStub({ ...options, time });
        return { url: own.url, time: time.of(own.url), close: () => own.close() };
      },
      ...run,
    });
  } finally {
    await shared.close();
  }
}

const idsOf = (results: readonly Result[], outcome: Result["outcome"]): string[] =>
  results.filter((result) => result.outcome === outcome).map(({ id }) => id);
const failures = (results: readonly Result[]): unknown[] =>
  results.flatMap(({ id, failures }) => failures.map((failure) => [id, failure]));
/** A check for each conversation over WebSocket that has no waits. */
const each: readonly Check[] = readRecordings()
  .flatMap(({ scenarios }) => scenarios)
  .filter(({ scenario }) => !ALONE.test(scenario))
  .map(({ scenario, about }) => ({ id: scenario, says: about, over: ["websocket"], scenarios: [scenario] }));
/** The checks some recorded conversation of which is of a kind. */
const idsWith = (is: (scenario: Scenario) => boolean, all: readonly Check[] = checks): string[] =>
  all
    .filter(({ scenarios = [] }) => scenarios.some((name) => is(recorded.get(name) as Scenario)))
    .map(({ id }) => id);
const hears = (is: (hearing: Hearing) => boolean) => (scenario: Scenario) =>
  scenario.steps.some((step) => "hear" in step && is(step));

describe("against the recorded Phoenix", () => {
  let report: Report;
  beforeAll(async () => {
    report = await against({}, {});
  }, 120_000);

  it("[KT11] passes every check that a recorded conversation shows, and lists the others with a reason", () => {
    expect(report.problem).toBeUndefined();
    expect(failures(report.results)).toEqual([]);
    expect(idsOf(report.results, "passed")).toEqual(idsWith(() => true));
    for (const { why } of report.results.filter(({ outcome }) => outcome === "not run")) {
      expect(why).toMatch(/^[A-Z].*[.]$/s);
    }
    expect(report.results.map(({ id }) => id)).toEqual(checks.map(({ id }) => id));
    const lacking = idsOf(report.results, "not run").filter((id) => id.startsWith("PR"));
    expect(lacking).toEqual(["PR12", "PR15", "PR16", "PR17", "PR18"]);
  });

  it("[KT8] answers every recorded conversation, in a check or not", async () => {
    const played = new Set(report.results.flatMap(({ played }) => played));
    const rest = [...recorded.keys()].filter((name) => !played.has(name));
    const one: Check = { id: "XX1", says: "All are answered.", over: ["websocket"], scenarios: rest };
    const { results } = await against({}, { checks: [one] });
    expect(failures(results)).toEqual([]);
  }, 120_000);
});

it("[KT3] [KT11] fails exactly the checks where Calla differs, when Calla's answers are expected", async () => {
  const { results } = await against({}, { mode: "calla", patience: 1500 });
  const differing = idsWith(
    ({ scenario }) =>
      differences[scenario] !== undefined && differences[scenario].alsoAsRecorded === undefined,
  );
  expect(idsOf(results, "failed")).toEqual(differing);
  for (const check of checks.filter(({ id }) => differing.includes(id))) {
    expect(differsIn(check, differences), check.id).toBe(true);
  }
}, 120_000);

describe("against a server that errs", () => {
  /** What is said otherwise, and which conversations have it. */
  const mistakes: Readonly<
    Record<string, { readonly err: StubOptions["err"]; readonly has: (scenario: Scenario) => boolean }>
  > = {
    "a close code": {
      err: (hearing) => [
        hearing.hear === "close" && hearing.code === 1011 ? { ...hearing, code: 1000 } : hearing,
      ],
      has: hears((hearing) => hearing.hear === "close" && hearing.code === 1011),
    },
    "a field that is missing": {
      err: (hearing) => [isClosed(hearing) ? { hear: "text", json: withoutPayload(hearing.json) } : hearing],
      has: hears(isClosed),
    },
    "an answer twice": {
      err: (hearing) => (isClosed(hearing) ? [hearing, hearing] : [hearing]),
      has: hears(isClosed),
    },
    "an order": {
      err: swapping((hearing) => hearing.hear === "text" && eventOf(hearing) === "pushed"),
      // Where something is heard behind what is pushed.
      has: ({ steps }) => {
        const heard = steps.filter((step) => "hear" in step);
        const at = heard.findIndex((hearing) => hearing.hear === "text" && eventOf(hearing) === "pushed");
        return at >= 0;
      },
    },
    "a phx_ref that another meta has": {
      err: (hearing) => [hearing.hear === "text" ? { ...hearing, json: withOneRef(hearing.json) } : hearing],
      has: hears((hearing) => JSON.stringify(hearing).includes("{{ref:2}}")),
    },
    "a status": {
      err: (hearing) => [
        hearing.hear === "answer" && hearing.status === 403 ? { ...hearing, status: 404 } : hearing,
      ],
      has: hears((hearing) => hearing.hear === "answer" && hearing.status === 403),
    },
  };
  it.each(Object.keys(mistakes))(
    "[KT12] fails exactly the checks that have it: %s",
    async (name) => {
      const { err, has } = mistakes[name] ?? {};
      const concerned = idsWith((scenario) => has?.(scenario) === true, each);
      // Of those that have nothing of it, some will do.
      const some = each.filter(({ id }, i) => concerned.includes(id) || i % 8 === 0);
      const { results } = await against(err === undefined ? {} : { err }, { checks: some, patience: 1500 });
      expect(concerned.length).toBeGreaterThan(0);
      expect(idsOf(results, "failed")).toEqual(concerned);
    },
    60_000,
  );
});

const eventOf = ({ json }: Extract<Hearing, { hear: "text" }>): unknown =>
  Array.isArray(json) ? json[3] : (json as { event?: unknown }).event;
const isClosed = (hearing: Hearing): hearing is Extract<Hearing, { hear: "text" }> =>
  hearing.hear === "text" && eventOf(hearing) === "phx_close";
/** All refs of a conversation are one. */
const withOneRef = (json: Json): Json =>
  JSON.parse(JSON.stringify(json).replaceAll(/("(?:phx_ref|phx_ref_prev|ref)":)"[\w-]{16,}"/g, '$1"same"'));
const withoutPayload = (json: unknown): Extract<Hearing, { hear: "text" }>["json"] => {
  if (Array.isArray(json)) return json.slice(0, 4);
  const { payload: _, ...rest } = json as Record<string, string>;
  return rest;
};

/** Holds a thing back until another has been said, and says it behind that one. */
function swapping(is: (hearing: Hearing) => boolean): NonNullable<StubOptions["err"]> {
  const held = new Map<string, Hearing>();
  return (hearing, conversation) => {
    const before = held.get(conversation);
    held.delete(conversation);
    if (before !== undefined) return [hearing, before];
    if (!is(hearing)) return [hearing];
    held.set(conversation, hearing);
    return [];
  };
}

describe("a run", () => {
  const check = (id: string, more: Partial<Check>): Check => ({
    id,
    says: "It holds.",
    over: ["websocket"],
    ...more,
  });
  let stub: Stub;
  beforeAll(async () => {
    stub = await startStub();
  });
  afterAll(async () => {
    await stub.close();
  });
  const outcomes = async (all: readonly Check[], more: Partial<RunOptions> = {}): Promise<Report> =>
    runChecks({ url: stub.url, checks: all, patience: 300, ...more });

  it("[KT1] plays a conversation of several checks once, and lists what has nothing to play", async () => {
    const before = stub.report().unrecorded.length;
    const wrong = {
      scenario: "wrong",
      about: "nobody recorded it",
      steps: stepsOf('["1","1","room:wrong","dance",{}]'),
    };
    const { results } = await outcomes([
      check("XX1", { written: [wrong] }),
      check("XX2", { written: [wrong], scenarios: ["join-ok"] }),
      check("XX3", { notRun: "It is not on the wire." }),
      check("XX4", { scenarios: ["join-ok"] }),
    ]);
    expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([
      ["XX1", "failed"],
      ["XX2", "failed"],
      ["XX3", "not run"],
      ["XX4", "passed"],
    ]);
    expect(results[2]?.why).toBe("It is not on the wire.");
    expect(stub.report().unrecorded).toHaveLength(before + 1);
  });

  it("[KT3] takes either of the orders in which a server may answer", async () => {
    const [first, other] = [
      ["1", "2"],
      ["2", "1"],
    ].map((refs) => ({
      scenario: "either",
      about: "two heartbeats",
      steps: [
        ...stepsOf('[null,"1","phoenix","heartbeat",{}]', '[null,"2","phoenix","heartbeat",{}]').slice(0, -1),
        ...refs.map((ref) => heartbeat(ref)),
      ],
    }));
    const either = { ...(other as Scenario), or: [(first as Scenario).steps] };
    const { results } = await outcomes([
      check("XX1", { written: [either] }),
      check("XX2", { written: [{ ...(other as Scenario), scenario: "one" }] }),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(["passed", "failed"]);
  });

  it("[KT3] expects Calla's answer of a conversation where it differs, over LongPoll too", async () => {
    const calla: Differences = {
      "join-ok": {
        why: "It is another.",
        steps: (steps) => [...steps.slice(0, -1), { hear: "text", json: "other" }],
      },
    };
    const all = [check("XX1", { scenarios: ["join-ok"], overLongPoll: ["join-ok"] })];
    const [strict, as] = [
      await outcomes(all, { differences: calla }),
      await outcomes(all, { differences: calla, mode: "calla" }),
    ];
    expect(strict.results).toMatchObject([
      { outcome: "passed", differs: true, played: ["join-ok", "join-ok over LongPoll"] },
    ]);
    expect(as.results[0]?.failures.map(({ conversation }) => conversation)).toEqual([
      "join-ok",
      "join-ok over LongPoll",
    ]);
  });

  it("[KT3] takes what was recorded where Calla may answer so, too, and nothing else", async () => {
    const other = (alsoAsRecorded: Pick<Difference, "alsoAsRecorded">): Differences => ({
      "join-ok": {
        why: "It is another.",
        steps: (steps) => [...steps.slice(0, -1), { hear: "text", json: "other" }],
        ...alsoAsRecorded,
      },
    });
    const all = [check("XX1", { scenarios: ["join-ok"] })];
    for (const [also, outcome] of [
      [{ alsoAsRecorded: true }, "passed"],
      [{}, "failed"],
    ] as const) {
      const { results } = await outcomes(all, { differences: other(also), mode: "calla" });
      expect(results).toMatchObject([{ outcome, differs: true }]);
    }
  });

  it("[KT1] runs checks that are code, and tells what they found, and when one takes too long", async () => {
    const all = [
      check("XX1", {
        run: async (peer) => {
          const socket = await peer.websocket("/socket/websocket?vsn=2.0.0");
          socket.text([null, "5", "phoenix", "heartbeat", {}]);
          await socket.hearsFrames([null, "5", "phoenix", "phx_reply", { status: "ok", response: {} }]);
          await socket.hearsNothing();
        },
      }),
      check("XX2", { run: async (peer) => peer.fail("It lies.", 1, 2) }),
      check("XX3", { run: () => new Promise(() => undefined) }),
    ];
    const { results } = await outcomes(all, { deadline: 200 });
    expect(results).toMatchObject([
      { outcome: "passed" },
      { outcome: "failed", failures: [{ conversation: "XX2", says: "It lies.", expected: 1, heard: 2 }] },
      { outcome: "failed", failures: [{ says: "It was not done within 200 ms." }] },
    ]);
  });

  it("[KT7] leaves the rest, once the server is gone, and names the conversation after which it was", async () => {
    const dying = await startStub();
    const names = ["join-ok", "join-reply"].map((scenario, i) => check(`XX${i}`, { scenarios: [scenario] }));
    const all = [
      check("XX9", {
        run: async (peer) => {
          await dying.close();
          peer.fail("It died.");
        },
      }),
      ...names,
    ];
    const { results } = await runChecks({ url: dying.url, checks: all, atOnce: 1, patience: 300 });
    const why = "The server was gone after XX9: start it again, and see what that conversation does to it.";
    expect(results).toMatchObject([
      { outcome: "failed" },
      { outcome: "not run", why, lacking: true },
      { outcome: "not run", why, lacking: true },
    ]);
  });

  it("[KT7] plays what makes the server end last, or not at all", async () => {
    const seen: string[] = [];
    const watched = await startStub({ onEvent: (line) => seen.push(line) });
    const all = [check("XX1", { scenarios: ["drain-one"] }), check("XX2", { scenarios: ["join-ok"] })];
    await runChecks({ url: watched.url, checks: all });
    const at = (text: string): number => seen.findIndex((line) => line.includes(text));
    expect(at("drain_me")).toBeGreaterThan(at('"room:join-ok"'));
    const { results } = await runChecks({ url: watched.url, checks: all, endings: false });
    expect(results.map(({ outcome }) => outcome)).toEqual(["not run", "passed"]);
    await watched.close();
  });

  it("[KT2] says in a sentence that nobody is there, or nobody who speaks Phoenix", async () => {
    const server = createServer((_, response) => response.writeHead(404).end("not here")).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/socket`;
    const one = [check("XX1", { scenarios: ["join-ok"] })];
    expect(await runChecks({ url, checks: one })).toMatchObject({
      problem: expect.stringMatching(
        /is no socket of the fixture app: .* HTTP 404|is no socket of the fixture app/,
      ),
      results: [],
    });
    await new Promise((resolve) => server.close(resolve));
    expect(await runChecks({ url, checks: one })).toMatchObject({
      problem: expect.stringMatching(
        /^Nobody answers at 127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\)\. Start the server/,
      ),
      results: [],
    });
  });
});

const heartbeat = (ref: string): Hearing => ({
  hear: "text",
  json: [null, ref, "phoenix", "phx_reply", { status: "ok", response: {} }],
});

/** Says texts on a socket, and hears what answers a heartbeat. */
const stepsOf = (...texts: string[]): Scenario["steps"] => [
  { do: "upgrade", path: "/socket/websocket?vsn=2.0.0" },
  { hear: "upgraded", headers: {} },
  ...texts.map((text) => ({ do: "text" as const, text })),
  heartbeat("1"),
];
