// One work at one size, for apart.ts.
import type { Works } from "./apart.ts";
import { channelWorks } from "./channels-presence.ts";
import { groupWorks } from "./groups.ts";
import { syncWorks } from "./sync-presence.ts";

const [work, size, samples] = process.argv.slice(2) as [string, string, string];
const works: Works = { ...channelWorks, ...syncWorks, ...groupWorks };
process.send!(await works[work]!(Number(size), Number(samples)), () => process.exit());
