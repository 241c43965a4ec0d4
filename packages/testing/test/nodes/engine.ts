// The Postgres of a round: one of its own, for it is restarted and killed. Its data stay.
import type { LogStorage } from "@calla/server";
import { pgDriver, postgresLog } from "@calla/server/postgres";
import type { PostgresDriver } from "@calla/server/postgres";
import { startPostgres } from "../../../../scripts/postgres/start.mjs";
import type { Engine, EngineEnd } from "../../../../scripts/postgres/start.mjs";

/** Connections of clients, and of nobody else. */
const CONNECTIONS = `FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;

export class TestedEngine {
  readonly #engine: Engine;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Undefined where none could be had. */
  static async start(settings: Record<string, string> = {}): Promise<TestedEngine | undefined> {
    // Whoever is killed while he writes a page may leave half of it.
    const engine = await startPostgres({ own: true, settings: { full_page_writes: "on", ...settings } });
    return engine && new TestedEngine(engine);
  }

  get url(): string {
    return this.#engine.url;
  }
  get version(): string {
    return this.#engine.version;
  }

  /** Away for so many milliseconds, and back with all that was committed. */
  async restart(end: EngineEnd, away: number): Promise<void> {
    await this.#engine.down(end);
    await new Promise((resolve) => setTimeout(resolve, away));
    await this.#engine.up();
  }

  /** Ends some or all connections, as an administrator does. Those that listen are among them. */
  async endConnections(part: "some" | "all"): Promise<void> {
    const which = part === "all" ? "" : "AND random() < 0.5";
    const driver = this.#driver();
    await driver.query(`SELECT pg_terminate_backend(pid) ${CONNECTIONS} ${which}`, []);
    await driver.close?.();
  }

  /** The log, seen by somebody who is none of the nodes. */
  log(): LogStorage {
    const driver = this.#driver();
    const log = postgresLog({ driver, onError: () => undefined });
    return new Proxy(log, {
      get(_, name) {
        if (name === "close") return () => driver.close?.();
        const method: unknown = Reflect.get(log, name);
        return typeof method === "function" ? (method.bind(log) as unknown) : method;
      },
    });
  }

  stop(): Promise<void> {
    return this.#engine.stop();
  }

  #driver(): PostgresDriver {
    return pgDriver({ url: this.url, connections: 2 });
  }
}
