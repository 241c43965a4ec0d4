// The soak over a durable log: seeds of its own, and a last look at the file, opened anew. CALLA_DURABLE_SEEDS sets how many runs there are (150 by default).
import { campaign, FROM } from "./campaign.ts";

const SEEDS = Number(process.env["CALLA_DURABLE_SEEDS"] ?? 150);
campaign("durable log", FROM + 100_000, SEEDS);
