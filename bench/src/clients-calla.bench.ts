// The real clients' work, done by Calla's own.
import { callaClients } from "./clients/calla.ts";
import { work } from "./clients/work.ts";

await work(callaClients);
