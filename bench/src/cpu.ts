// What something costs this process: microseconds of the processor, the system's part of it too.
const since = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

export function cpu(run: () => void): number {
  const before = process.cpuUsage();
  run();
  return since(before);
}

/** The same of what takes more than a turn. */
export async function cpuOf(run: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await run();
  return since(before);
}
