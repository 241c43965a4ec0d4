// The command: what it is asked for, and what it prints. `bin.ts` gives it the process.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { checks } from "./checks/table.ts";
import type { Over } from "./checks/check.ts";
import { exitCodeOf } from "./report/exit-code.ts";
import { junitOf } from "./report/junit.ts";
import { textOf } from "./report/text.ts";
import { runChecks } from "./run/run-checks.ts";
import { UnknownCheck } from "./run/select.ts";
import { BadTarget } from "./run/target.ts";
import { startStub } from "./stub/start-stub.ts";
import { UnknownConversation } from "./stub/cast.ts";

/** Where the command prints, and how it is told to end. */
export interface Terminal {
  readonly print: (text: string) => void;
  /** Of a stub: resolves when it must go. */
  readonly interrupted: () => Promise<void>;
  readonly colour: boolean;
}

const HELP = `Checks a server of the Phoenix channels protocol against what a real Phoenix 1.8.12 answers.

  phoenix-conformance <url> [options]      check the server, e.g. ws://localhost:4000/socket
  phoenix-conformance stub [options]       be such a server, for a client to be checked against
  phoenix-conformance list                 the checks, with their ids

The server must offer the fixture app: its sockets, topics and events are in the package's README.

Options of a check
  --only <ids>       sections and ids: --only JN,LP4
  --over <what>      websocket, longpoll or http: leaves out what does not talk over it
  --calla            expect Calla's answers where it differs from Phoenix on purpose (◆)
  --recorded         only what was recorded of Phoenix, nothing written by hand
  --no-endings       leave out what makes the server end; else it comes last
  --at-once <n>      conversations under way at once (6)
  --patience <ms>    how long to wait for an answer (10000)
  --json             print the report as JSON
  --junit <file>     write it as JUnit XML, too

Options of the stub
  --port <n>         where it listens (4000); 0 for any
  --host <address>   (127.0.0.1)
  --only <names>     only these conversations, so that whatever else a client says is told

Ends with 0: all passed; 1: something failed or the server lacks a part of the app; 2: nothing could be run.
`;

/** Runs the command. @returns the code that the process ends with */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const { values, positionals } = parsed(args);
    if (values.help === true) {
      terminal.print(HELP);
      return 0;
    }
    const [first, ...more] = positionals;
    if (first === undefined || more.length > 0) {
      throw new Usage(
        first === undefined
          ? "Say which server: its URL, or stub."
          : `One URL, not ${positionals.join(" ")}.`,
      );
    }
    if (first === "stub") return await serve(values, terminal);
    if (first === "list") {
      terminal.print(checks.map(({ id, says }) => `${id.padEnd(6)} ${says}`).join("\n") + "\n");
      return 0;
    }
    return await check(first, values, terminal);
  } catch (error) {
    if (
      !(
        error instanceof Usage ||
        error instanceof BadTarget ||
        error instanceof UnknownCheck ||
        error instanceof UnknownConversation
      )
    ) {
      throw error;
    }
    terminal.print(`${error.message}\nphoenix-conformance --help tells more.\n`);
    return 2;
  }
}

/** The command was written wrongly. */
class Usage extends Error {
  override readonly name = "Usage";
}

const options = {
  help: { type: "boolean", short: "h" },
  only: { type: "string" },
  over: { type: "string" },
  calla: { type: "boolean" },
  recorded: { type: "boolean" },
  "no-endings": { type: "boolean" },
  "at-once": { type: "string" },
  patience: { type: "string" },
  json: { type: "boolean" },
  junit: { type: "string" },
  port: { type: "string" },
  host: { type: "string" },
} as const;

type Values = ReturnType<typeof parsed>["values"];

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
}

async function check(url: string, values: Values, terminal: Terminal): Promise<number> {
  const report = await runChecks({
    url,
    mode: values.calla === true ? "calla" : "strict",
    only: listed(values.only),
    ...(values.over === undefined ? {} : { over: overOf(values.over) }),
    ...(values["at-once"] === undefined ? {} : { atOnce: numberOf("at-once", values["at-once"], 1) }),
    ...(values.patience === undefined ? {} : { patience: numberOf("patience", values.patience, 1) }),
    recorded: values.recorded === true,
    endings: values["no-endings"] !== true,
  });
  terminal.print(
    values.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report, terminal),
  );
  if (values.junit !== undefined) writeFileSync(values.junit, junitOf(report));
  return exitCodeOf(report);
}

async function serve(values: Values, terminal: Terminal): Promise<number> {
  const stub = await startStub({
    port: values.port === undefined ? 4000 : numberOf("port", values.port, 0),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.only === undefined ? {} : { only: listed(values.only) }),
    onEvent: (line) => terminal.print(`${line}\n`),
  });
  terminal.print(
    `A recorded Phoenix 1.8.12 at ${stub.url} (and /quick, /few, /auth, …). What it has heard: http://${new URL(stub.url).host}/report\n`,
  );
  await terminal.interrupted();
  await stub.close();
  return 0;
}

const listed = (text = ""): string[] => text.split(",").filter((word) => word.trim() !== "");

function overOf(text: string): Over {
  if (text === "websocket" || text === "longpoll" || text === "http") return text;
  throw new Usage(`--over is websocket, longpoll or http, not ${text}.`);
}

function numberOf(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Usage(`--${name} is a whole number from ${least} on, not ${text}.`);
}
