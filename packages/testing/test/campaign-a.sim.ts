import { campaign, FROM, SEEDS } from "./campaign.ts";

campaign("first half", FROM, Math.ceil(SEEDS / 2));
