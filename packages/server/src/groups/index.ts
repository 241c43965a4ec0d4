// Entry point @calla/server/groups: named sets of topics, to tell many at once.
export { createGroups } from "./groups.ts";
export type { Groups, GroupsOptions, GroupTopics } from "./groups-api.ts";
export type { GroupLimits } from "./group-limits.ts";
