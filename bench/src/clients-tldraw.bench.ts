// The real clients' work, done by tldraw sync's.
import { tldrawClients } from "./clients/tldraw.ts";
import { work } from "./clients/work.ts";

await work(tldrawClients);
