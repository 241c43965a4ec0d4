/** What SQLite (`SQLITE_…`) or the executor (`CALLA_…`) says; plain, to cross threads. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}
