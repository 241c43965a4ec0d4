// The real clients' work, done by Hocuspocus' provider.
import { hocuspocusClients } from "./clients/hocuspocus.ts";
import { work } from "./clients/work.ts";

await work(hocuspocusClients);
