import { campaign, FROM, SEEDS } from "./campaign.ts";

campaign("second half", FROM + Math.ceil(SEEDS / 2), Math.floor(SEEDS / 2));
