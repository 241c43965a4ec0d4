// What the compiler says of a wrong message: run as a reader's editor would, for the texts themselves are the promise.
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const file = fileURLToPath(new URL("./compile-errors.sample.ts", import.meta.url));
const HEAD = `
import { defineEphemeral, defineLocal, definePresence, defineSession, defineTopic, defineWiring, serverOnly } from "@calla/shared";
import type { Client } from "@calla/client";
import type { Server } from "@calla/server";
import * as z from "zod";
const messages = {
  added: z.object({ text: z.string() }),
  moved: z.object({ by: z.number(), before: z.string().nullable() }),
  cleared: z.object({}),
  stamped: serverOnly(z.object({ at: z.number() })),
};
const update = { added: (n: number) => n, moved: (n: number) => n, cleared: (n: number) => n, stamped: (n: number) => n };
const model = { model: z.number(), initial: () => 0 };
const board = defineTopic("board:*", { ...model, messages, update });
const cursors = defineEphemeral("cursors:*", { messages });
const session = defineSession({ ...model, messages, update });
const local = defineLocal({ ...model, messages: { opened: z.object({ id: z.string() }), closed: z.object({}) }, update: { opened: (n) => n, closed: (n) => n } });
const listed = defineTopic("listed", { ...model, messages, update, presence: definePresence(z.object({ name: z.string() })) });
const elsewhere = defineTopic("elsewhere:*", { ...model, messages, update });
const wiring = defineWiring({ session, topics: [board, cursors, listed], local });
declare const client: Client<typeof wiring>;
declare const server: Server<typeof wiring, { id: string }>;
const topic = client.topic(board, "1");
`;
const TYPES = '"added" | "moved" | "cleared"';
const ALL = `${TYPES} | "stamped"`;
const noSuch = (types: string) =>
  `Type '"addde"' is not assignable to type '${types}'. Did you mean '"added"'?`;
const wrongField = `Type 'number' is not assignable to type 'string'.`;
const notThere = 'the wiring: list it in defineWiring({ topics })"';

const noPresence = `does not exist on type '"this slice lists nobody: give it presence: definePresence(schema)"'`;
const bareSchema = "presence takes definePresence(schema), and not the schema itself";

/** A line of the program, and the last line of what the compiler says of it: the others lead there. */
const cases: readonly (readonly [string, string])[] = [
  [`topic.dispatch({ type: "addde", text: "x" });`, noSuch(TYPES)],
  [`topic.dispatch({ type: "added", text: 1 });`, wrongField],
  [`topic.dispatch({ type: "added" });`, `Property 'text' is missing in type '{ type: "added"; }'`],
  [`topic.dispatch({ type: "added", text: "x", by: 1 });`, `'by' does not exist in type`],
  [`topic.dispatch([{ type: "cleared" }, { type: "addde", text: "x" }]);`, noSuch(TYPES)],
  [`topic.dispatch([{ type: "cleared" }, { type: "added", text: 1 }]);`, wrongField],
  [`topic.dispatch({ type: "stamped", at: 1 });`, `Type '"stamped"' is not assignable to type '${TYPES}'.`],
  [`client.session.dispatch({ type: "addde", text: "x" });`, noSuch(TYPES)],
  [`client.topic(cursors, "1").dispatch({ type: "addde", text: "x" });`, noSuch(TYPES)],
  [
    `client.local.dispatch({ type: "open" });`,
    `Type '"open"' is not assignable to type '"opened" | "closed"'.`,
  ],
  [`void server.topic(board, "1").dispatch({ type: "addde", text: "x" });`, noSuch(ALL)],
  [`void server.topic(board, "1").dispatch({ type: "added", text: 1 });`, wrongField],
  [`client.topic(listed).presence.track({ name: 1 });`, wrongField],
  [`topic.presence.track({ name: "Ada" });`, noPresence],
  [`client.topic(cursors, "1").presence.track({ name: "Ada" });`, noPresence],
  [`defineTopic("a", { ...model, messages, update, presence: z.object({ name: z.string() }) });`, bareSchema],
  [`defineEphemeral("b", { messages, presence: z.object({ name: z.string() }) });`, bareSchema],
  [`definePresence(z.string().transform((text) => text.length));`, "this schema converts"],
  [`client.topic(elsewhere, "1");`, notThere],
  [`server.topic(elsewhere, "1");`, notThere],
  [`server.handle(elsewhere, {});`, notThere],
  [`server.subscribe("c", elsewhere, "1");`, notThere],
  [`server.broadcast(elsewhere, { type: "cleared" });`, notThere],
];
/** All of what is said of a line; the way to a missing or needless field names what is there instead. */
const LONGEST = 1_000;

test("[WR31] [WR30] [PC20] the compiler's word on a wrong message, or on a slice from elsewhere, is short and true", () => {
  const source = HEAD + cases.map(([line]) => line).join("\n");
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    types: ["node"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    customConditions: ["calla-source"],
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: true,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2023) : getSourceFile(name, ...rest);
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? source : readFile(name));
  const program = ts.createProgram([file], options, host);
  const sample = program.getSourceFile(file)!;
  const head = HEAD.split("\n").length - 1;
  const said = program.getSemanticDiagnostics(sample).map(({ start, messageText }) => ({
    line: sample.getLineAndCharacterOfPosition(start!).line - head,
    text: ts.flattenDiagnosticMessageText(messageText, "\n"),
  }));
  expect(said.map(({ line }) => line)).toEqual(cases.map((_, line) => line));
  for (const { line, text } of said) {
    const [code, word] = cases[line]!;
    expect(text, code).toContain(word);
    expect(text.length, code).toBeLessThan(LONGEST);
    expect(text, code).not.toContain("overload");
  }
}, 120_000);
