// Moves a log from a file to Postgres while the server goes on, and takes that back. It keeps no notes of how far it has come:
// what is there already is compared and left, so it goes on wherever a run of it has ended.
import { randomUUID } from "node:crypto";
import type { Clock } from "@calla/shared";
import { steady, systemClock } from "../../base/clock.ts";
import { postgresCalls } from "../driver/calls.ts";
import type { PostgresDriver } from "../driver/driver.ts";
import { problemOfSchema } from "../schema/names.ts";
import { NEWEST } from "../schema/tables.ts";
import { copyMutable, copyRecords, copyTargets, differences, mendRecords } from "./copy.ts";
import { refuseMove } from "./refusals.ts";
import { openSource } from "./source.ts";
import type { Source } from "./source.ts";
import { MUTABLE, RECORDS, TARGETS } from "./tables.ts";
import { MoveTarget } from "./target.ts";

/** Milliseconds until a statement of the move is given up. */
const DEADLINE = 600_000;

/** How far a move has come. */
export interface MoveProgress {
  /**
   * `copying`: the server goes on meanwhile. `fenced`: the file takes no appends from now on, and what is new in it is read.
   * `checking`: both sides are compared. `done`: Postgres has the log.
   */
  readonly step: "copying" | "fenced" | "checking" | "done";
  /** Records copied in this run. */
  readonly records: number;
}

/** What `moveLog` and `undoMove` take. */
export interface MoveOptions {
  /** The file of the SQLite log. Servers may have it open. */
  readonly from: string;
  /** The way to the database, whose statements may take minutes where a log is large. It is not closed. */
  readonly to: PostgresDriver;
  /** The schema there, which must not be there yet, or be of this move. Default `"calla"`. */
  readonly schema?: string;
  /** The file was moved to a schema that is gone for good: go on without it. Default false. */
  readonly abandon?: boolean;
  /** Hears how far it has come. */
  readonly onProgress?: (progress: MoveProgress) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** What was moved. */
export interface Moved {
  /** Topics and sessions, tombstones too. */
  readonly targets: number;
  readonly records: number;
  /** Rows of clients. */
  readonly clients: number;
  /** Milliseconds from the fence to the end; 0 where it was done before. */
  readonly away: number;
}

/**
 * Moves a log from a SQLite file into a Postgres schema. Servers over the file go on until nearly all is copied; then the
 * file takes no appends any more, in any process (`storage`, `moved`), and what is left of it is copied and compared. Only
 * then does the schema become a log that servers take. Records, marks, clients' rows, tombstones, consumers' positions, the
 * secret and the log's identity are the same there: clients go on from where they were.
 *
 * Killed at any step it goes on when it is run again; `undoMove` takes it back.
 *
 * @example
 * await moveLog({ from: "calla.db", to: pgDriver({ url: process.env.DATABASE_URL, statementTimeout: 600_000 }) });
 * @throws CallaError `storage`, as a rejection: `details.code` is one of `MoveProblem`, or Postgres's; the message says what
 * to do.
 */
export async function moveLog(options: MoveOptions): Promise<Moved> {
  const {
    from,
    onProgress = () => undefined,
    abandon = false,
    schema = "calla",
    clock = systemClock,
  } = options;
  const source = openSource(from);
  try {
    const target = targetOf(options);
    const move = await begin(source, target, abandon);
    const done = (away: number): Moved => ({
      targets: source.count(TARGETS),
      records: source.count(RECORDS),
      clients: source.count(MUTABLE.find(({ name }) => name === "clients")!),
      away,
    });
    if (move.done) return done(0);
    let records = 0;
    const told = (step: MoveProgress["step"], more = 0): void =>
      onProgress({ step, records: (records += more) });
    const copied = (more: number): void => told("copying", more);
    // Twice: the second time there is only what came during the first, so the fence stands for a short time.
    for (let round = 0; round < 2 && source.fence() === undefined; round++) {
      await copyRecords(source, target, copied);
      for (const table of MUTABLE) await copyMutable(source, target, table);
    }
    source.setFence({ move: move.name, to: `the schema ${schema}` });
    const { monotonic } = steady(clock);
    const began = monotonic();
    told("fenced");
    await copyRecords(source, target, (more) => told("fenced", more));
    await mendRecords(source, target);
    for (const table of MUTABLE) await copyMutable(source, target, table);
    await copyTargets(source, target);
    told("checking");
    const wrong = await differences(source, target);
    if (wrong.length > 0)
      throw refuseMove(
        "unequal",
        `what arrived in the schema ${schema} is not what the file has: ${wrong.join(", ")}`,
        "Run it again; if it says so once more, take it back (`--undo`), and tell us.",
      );
    await target.settle();
    await target.complete(source.identity, source.secret());
    told("done");
    return done(monotonic() - began);
  } finally {
    source.close();
  }
}

/**
 * Takes a move back: the schema is no log any more, and the file takes appends again. Refused (`used`) once a server has
 * written to the schema. A run of the move that is under way ends with `taken`. It may be moved again later, to the same
 * schema.
 *
 * @example
 * await undoMove({ from: "calla.db", to: driver });
 * @throws CallaError `storage`, as a rejection; the message says what to do.
 */
export async function undoMove(options: MoveOptions): Promise<void> {
  const source = openSource(options.from);
  try {
    const fence = source.fence();
    const target = targetOf(options);
    const moving = await target.found();
    // Without a fence: a run of the move may be under way, which must not end it.
    const isOurs =
      fence === undefined ? moving?.source === source.identity && !moving.done : moving?.move === fence.move;
    if (isOurs) await target.revert();
    else if (fence !== undefined && options.abandon !== true) throw elsewhere(options.from, fence.to);
    source.unfence();
  } finally {
    source.close();
  }
}

function targetOf({ to, schema = "calla", clock = systemClock }: MoveOptions): MoveTarget {
  const problem = problemOfSchema(schema);
  if (problem !== undefined) throw refuseMove("target", `the schema ${problem}`, "Name another one.");
  return new MoveTarget({
    calls: postgresCalls({ driver: to, clock, deadline: DEADLINE }),
    schema,
    run: randomUUID(),
  });
}

/** Which move it is. Nothing is written before it is certain that this is the right schema. */
async function begin(
  source: Source,
  target: MoveTarget,
  abandon: boolean,
): Promise<{ readonly name: string; readonly done: boolean }> {
  // A server would refuse what was moved there, and the file would take nothing more.
  await target.fits();
  const fence = source.fence();
  const known = await target.found();
  if (known !== undefined && known.source !== source.identity)
    throw refuseMove(
      "target",
      `the schema is of another log's move (${known.source}, and not ${source.identity})`,
      "Name another schema.",
    );
  if (fence !== undefined && fence.move !== known?.move && !abandon) throw elsewhere("the file", fence.to);
  if (known?.done === true) {
    if (fence?.move === known.move) return { name: known.move, done: true };
    throw refuseMove(
      "used",
      "the log was moved there before, and the file that is named is an older copy of it",
      "Nothing was written: start the server over Postgres, or name another schema.",
    );
  }
  if (known !== undefined && known.version !== NEWEST)
    throw refuseMove(
      "target",
      "another version of Calla has begun it",
      "End it with that version, or drop the schema and begin anew.",
    );
  const name = known?.move ?? randomUUID();
  await target.begin(name, source.identity);
  return { name: (await target.found())?.move ?? name, done: false };
}

const elsewhere = (file: string, to: string) =>
  refuseMove(
    "elsewhere",
    `${file} was moved to ${to} of another database, or that schema was dropped`,
    "Name that one; if it is gone for good, say so with `abandon` (`--abandon`).",
  );
