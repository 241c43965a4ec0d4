// A tab whose app does what apps do when there is a newer version: it goes on for a moment, then reloads, once.
import { keepModels, memoryStorage } from "@calla/client";
import type { Storage } from "@calla/client";
import type { HistoryEvent, SeededRandom, SimulationSetup } from "../../src/index.ts";
import { olderSetup } from "../older-wiring.ts";
import { Person } from "../people.ts";
import { socketTo } from "../ways.ts";
import { setup as newest } from "../wiring.ts";

export interface TabOptions {
  readonly index: number;
  readonly version: 1 | 2;
  readonly url: () => string;
  readonly pads: readonly string[];
  readonly random: SeededRandom;
  readonly record: (event: HistoryEvent) => void;
}

export class Tab {
  version: 1 | 2;
  person: Person;
  reloads = 0;
  /** How often the app was told of a newer version, by its page's. */
  readonly told = { 1: 0, 2: 0 };
  readonly #options: TabOptions;
  readonly #storage: Storage = memoryStorage({ models: keepModels({ delay: 50 }) });
  #reloading: Promise<void> | undefined;

  constructor(options: TabOptions) {
    this.#options = options;
    this.version = options.version;
    this.person = this.#open();
  }

  #open(): Person {
    const { index, url, pads, random, record } = this.#options;
    const { version } = this;
    return new Person({
      index,
      user: `user ${index}`,
      seed: random.int(1, 1_000_000),
      transport: socketTo(url),
      pads,
      record,
      page: this.reloads,
      storage: this.#storage,
      setup: (version === 1 ? olderSetup : newest) as unknown as SimulationSetup,
      onVersionMismatch: () => {
        this.told[version]++;
        this.#reloading ??= this.#reload();
      },
    });
  }

  async #reload(): Promise<void> {
    // Its user goes on meanwhile; what is written then is for the newer version to send.
    await new Promise((resolve) => setTimeout(resolve, this.#options.random.int(0, 400)));
    await this.person.end();
    this.reloads++;
    this.version = 2;
    this.person = this.#open();
    this.#reloading = undefined;
  }

  get restless(): string | undefined {
    return this.#reloading === undefined ? this.person.restless : `tab ${this.#options.index} reloads`;
  }
}
