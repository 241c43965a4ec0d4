// The boards as one process, over a file.
import type { RequestListener } from "node:http";
import { fileURLToPath } from "node:url";
import { sqlite } from "@calla/server/sqlite";
import { keepAudit } from "./audit.ts";
import { createBoards } from "./boards.ts";
import { listen } from "./listen.ts";

/** Serves until it is told to end. `pages`: what there is to see; `port`: unless PORT says another; `start`: the page to begin at. */
export async function serveBoards(pages: RequestListener, port: number, start = "/"): Promise<void> {
  /** All boards, sessions and what was decided: killed or stopped, a server goes on where the one before it was. */
  const log = sqlite(process.env.BOARDS ?? fileURLToPath(new URL("../../boards.db", import.meta.url)));
  await log.opened().catch(({ message }: Error) => {
    console.error(`The boards cannot be opened: ${message}`);
    process.exit(1);
  });

  const server = createBoards(log);

  /** Who did what, if a file for it is named: AUDIT=audit.db npm start */
  const stopAudit = process.env.AUDIT === undefined ? undefined : keepAudit(server, process.env.AUDIT);

  listen(server, { pages, port, start, before: stopAudit });
}
