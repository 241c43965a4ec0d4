// The part of Node that a client's file needs, by types of our own: the rest of this package is for browsers, and must
// import neither Node's types nor its modules.

interface FileHandle {
  appendFile(text: string): Promise<void>;
  datasync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}
interface NodeFiles {
  openSync(path: string, flags: string): number;
  closeSync(file: number): void;
  fsyncSync(file: number): void;
  readFileSync(path: string, encoding: "utf8"): string;
  writeFileSync(file: string | number, text: string, options?: { readonly flag: string }): void;
  renameSync(from: string, to: string): void;
  linkSync(existing: string, path: string): void;
  rmSync(path: string, options: { readonly force: boolean }): void;
  readonly promises: { open(path: string, flags: string): Promise<FileHandle> };
}
interface NodePaths {
  resolve(path: string): string;
  dirname(path: string): string;
}
interface NodeProcess {
  readonly pid: number;
  kill(pid: number, signal: 0): boolean;
  getBuiltinModule(name: "node:fs"): NodeFiles;
  getBuiltinModule(name: "node:path"): NodePaths;
}

export type { FileHandle };
const { process } = globalThis as unknown as { readonly process: NodeProcess };

export const files = process.getBuiltinModule("node:fs");
export const paths = process.getBuiltinModule("node:path");
export const ownProcess = process.pid;
/** @throws Error with a `code`: `ESRCH`, there is none; `EPERM`, it is another user's. */
export const askProcess = (pid: number): boolean => process.kill(pid, 0);

/** `ENOENT` and the like. */
export const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | null)?.code;
