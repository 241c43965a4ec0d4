// The command: what it is asked for, and what it prints. `bin.ts` gives it the process.
import { parseArgs } from "node:util";
import { CallaError, messageOf } from "@calla/shared";
import type { PostgresDriver } from "../driver/driver.ts";
import { pgDriver } from "../driver/pg-driver.ts";
import { postgresJsDriver } from "../driver/postgres-js-driver.ts";
import { moveLog, undoMove } from "./move-log.ts";
import type { MoveProgress } from "./move-log.ts";

/** Where the command prints, and how it reaches a database. */
export interface MoveTerminal {
  readonly print: (text: string) => void;
  readonly driver?: (url: string) => PostgresDriver;
}

const HELP = `Moves a Calla log from a SQLite file to Postgres, while servers go on writing to the file.

  calla-move --from <file> --to <postgres://…> [--schema calla]   moves it; run it again if it was ended
  calla-move --from <file> --to <postgres://…> --undo             takes it back, unless the new log was written to

  --abandon   the file was moved to a schema that is gone for good: go on without it

At the end the file takes no appends any more. Start the servers over Postgres then: clients go on where they were.
`;

/** Runs the command. @returns the code that the process ends with: 0, or 1 where it could not be done */
export async function main(
  args: readonly string[],
  { print, driver = driverTo }: MoveTerminal,
): Promise<number> {
  try {
    const asked = parsed(args);
    if (asked === undefined) {
      print(HELP);
      return args.includes("--help") ? 0 : 1;
    }
    const { from, to, schema, abandon, undo } = asked;
    const way = driver(to);
    try {
      const options = { from, to: way, schema, abandon };
      if (undo) {
        await undoMove(options);
        print(`${from} takes appends again, and the schema ${schema} is no log any more.\n`);
      } else {
        const moved = await moveLog({ ...options, onProgress: progressBy(print) });
        print(
          `Done: ${moved.targets} topics and sessions, ${moved.records} records, rows of ${moved.clients} clients.` +
            ` Nothing could be appended for ${(moved.away / 1_000).toFixed(1)} s.\n` +
            `Start the servers over the schema ${schema} now; ${from} takes nothing more.\n`,
        );
      }
      return 0;
    } finally {
      await way.close?.();
    }
  } catch (error) {
    print(`${messageOf(error)}\n`);
    return 1;
  }
}

const STEPS = {
  copying: "Copying, while the servers go on",
  fenced: "The file takes no appends any more; reading what came last",
  checking: "Comparing both sides",
  done: "",
};
/** A line for each step, and one for each 100,000 records. */
function progressBy(print: (text: string) => void): (progress: MoveProgress) => void {
  let said: MoveProgress["step"] | undefined;
  let next = 100_000;
  return ({ step, records }) => {
    if (step !== said && STEPS[step] !== "") print(`${STEPS[step]} …\n`);
    said = step;
    if (records < next) return;
    print(`  ${records} records\n`);
    next = records + 100_000;
  };
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: text,
      to: text,
      schema: { ...text, default: "calla" },
      undo: flag,
      abandon: flag,
      help: flag,
    },
  });
  const { from, to } = values;
  return values.help || from === undefined || to === undefined ? undefined : { ...values, from, to };
}

/** By whichever package is installed. Comparing a large log takes longer than a server's statements do. */
function driverTo(url: string): PostgresDriver {
  const options = { url, connections: 2, statementTimeout: 600_000 };
  try {
    return pgDriver(options);
  } catch (error) {
    if (!(error instanceof CallaError && error.code === "wiring")) throw error;
    return postgresJsDriver(options);
  }
}
