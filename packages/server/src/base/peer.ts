// A package that an app installs beside Calla if it wants what Calla makes of it. It is asked for when it is needed: an import
// that fails could say only that it is not there, and not what to do.
import { createRequire } from "node:module";
import { CallaError } from "@calla/shared";

const require = createRequire(import.meta.url);

/** An optional peer, as this package's manifest has it. */
export interface Peer {
  readonly name: string;
  /** Its major version. */
  readonly version: number;
  /** What needs it. */
  readonly neededBy: string;
}

/** @throws CallaError `wiring`: it is not installed. What else is wrong with it is thrown as it is. */
export function peer<Package>(
  { name, version, neededBy }: Peer,
  load: (name: string) => unknown = require,
): Package {
  try {
    return load(name) as Package;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // What it needs itself may be missing, too.
    if (code !== "MODULE_NOT_FOUND" || !message.includes(`'${name}'`)) throw error;
    const sentence = `${neededBy} needs the package ${name} ${version}: npm install ${name}@${version}.`;
    throw new CallaError("wiring", { missing: name, message }, sentence);
  }
}

/** Where it is, for a worker. */
export const peerPath = (name: string): string => require.resolve(name);
