// Calla's own client over its WebSocket, in production's condition, with the items as most people keep them.
import { createClient } from "@calla/client";
import type { Topic } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import { automatic, defineWiring, json } from "@calla/shared";
import { WebSocket } from "ws";
import {
  firstItems,
  listBy,
  moved,
  movedRecord,
  moveInList,
  moveInRecord,
  recordsBy,
  room,
} from "../fixtures.ts";
import { median } from "../median.ts";
import { hadToRun } from "./had-to-run.ts";
import type { Came } from "./had-to-run.ts";
import type { Kept, RealClient, RealSystem } from "./real-client.ts";

let ran = 0;
const list = listBy((model, message) => {
  ran++;
  return moveInList(model, message);
});
const records = recordsBy((model, message) => {
  ran++;
  return moveInRecord(model, message);
});
const wiring = defineWiring({ topics: [room, list, records] });
const serialiser = automatic(json());
const ids = firstItems().map(({ id }) => id);

/** What one client was sent, kept as it came: it is read when nothing is measured any more. */
interface Mail {
  readonly number: number;
  readonly came: Came[];
  made: number;
}

const socketOf = (mail: Mail) =>
  class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      // Before the client's own listener hears of it.
      this.on("message", (data) => mail.came.push({ data: data as Buffer, made: mail.made }));
    }
  };

function live(topic: Topic<typeof list> | Topic<typeof records>): Promise<void> {
  return new Promise((resolve) => {
    // An app that renders listens, and reads what it is told.
    (topic as Topic<typeof list>).onChange(({ status }) => status === "live" && resolve());
  });
}

/** CPU microseconds of one update alone: the same changes over what is shown, one after the other, and nothing else. */
function updateAlone(update: (n: number) => void): number {
  const [BATCHES, BATCH] = [12, 400];
  const batch = (at: number): number => {
    const before = process.cpuUsage();
    for (let n = at * BATCH; n < (at + 1) * BATCH; n++) update(n);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / BATCH;
  };
  // The first warms up.
  return median(Array.from({ length: BATCHES }, (_, at) => batch(at)).slice(1));
}

export function callaClients(kept: Kept): RealSystem {
  const mails: Mail[] = [];
  let alone: ((n: number) => void) | undefined;
  return {
    server: ["server-calla", kept],
    async join(port, number, lost): Promise<RealClient> {
      const mail: Mail = { number, came: [], made: 0 };
      mails.push(mail);
      const client = createClient({
        wiring,
        serialiser,
        transport: webSocket({ url: `ws://127.0.0.1:${port}/ws`, WebSocket: socketOf(mail) }),
        strict: false,
        // The same user each time: an identity is its user's.
        token: () => number,
        onDisconnect: ({ code, reason }) => lost(`${code} ${reason}`),
        onError: (error) => lost(String(error)),
      });
      const close = (): Promise<void> => client.close();
      if (kept === "record") {
        const topic = client.topic(records, "0");
        await live(topic);
        alone ??= recordAlone(() => topic.state.model!);
        return {
          change(n) {
            topic.dispatch(movedRecord(number, n));
            mail.made++;
          },
          item: (at) => topic.state.model?.items[ids[at]!],
          close,
        };
      }
      const topic = client.topic(list, "0");
      await live(topic);
      alone ??= listAlone(() => topic.state.model!);
      return {
        change(n) {
          topic.dispatch(moved(number, n));
          mail.made++;
        },
        item: (at) => topic.state.model?.items[at],
        close,
      };
    },
    begin() {
      ran = 0;
      for (const { came } of mails) came.length = 0;
    },
    updates() {
      const counted = ran;
      const had = mails.map(({ number, came, made }) => hadToRun(number, came, made));
      return {
        ran: counted,
        had: had.reduce((sum, { updates }) => sum + updates, 0),
        snapshots: had.reduce((sum, { snapshots }) => sum + snapshots, 0),
        each: updateAlone(alone!),
      };
    },
  };
}

function recordAlone(read: () => Parameters<typeof moveInRecord>[0]): (n: number) => void {
  let model: ReturnType<typeof read> | undefined;
  return (n) => {
    model = moveInRecord(model ?? read(), movedRecord(n % 20, n));
  };
}
function listAlone(read: () => Parameters<typeof moveInList>[0]): (n: number) => void {
  let model: ReturnType<typeof read> | undefined;
  return (n) => {
    model = moveInList(model ?? read(), moved(n % 20, n));
  };
}
