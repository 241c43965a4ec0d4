// Mistakes about what an operator hears of Phoenix clients that do not come in. As in mutants.mjs.

const handshakes = "server/src/channels/transports/handshake.test.ts";
const polls = "server/src/channels/transports/longpoll/longpoll.test.ts";
const longpolls = "server/src/channels/transports/longpoll/longpoll.ts";
const mounts = "server/src/channels/phoenix.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const newcomerMutants = [
  {
    name: "say nothing of a token that the mount does not read",
    file: "server/src/channels/transports/handshake.ts",
    from: `if (!mount.authToken && offersToken(offered)) mount.tokenNotRead();`,
    to: ``,
    breaks: "CN68",
    scenario: "",
    by: `${handshakes} > [CN68] says once`,
  },
  {
    name: "say nothing of a polled token that the mount does not read",
    file: "server/src/channels/transports/longpoll/longpoll.ts",
    from: `if (given !== undefined && !this.#mount.authToken) this.#mount.tokenNotRead();`,
    to: ``,
    breaks: "CN68",
    scenario: "",
    by: `${polls} > [CN68] says once`,
  },
  {
    name: "say of every token that the mount does not read it",
    file: "server/src/channels/transports/mount.ts",
    from: `told = true;`,
    to: ``,
    breaks: "CN68",
    scenario: "",
    by: `${handshakes} > [CN68] says once`,
  },
  {
    name: "take an app's own token for one of a session that is over",
    file: longpolls,
    from: `if (!hasTokenForm(text)) return false;`,
    to: ``,
    breaks: "LP54",
    scenario: "",
    by: `${polls} > [LP54] an app's own token among the params`,
  },
  {
    name: "tell nobody of polls that connect turns away",
    file: "server/src/channels/transports/longpoll/longpoll.ts",
    from: `refuse(came.status, "connect", came.why);`,
    to: ``,
    breaks: "CN69",
    scenario: "",
    by: `${mounts} > [CN66] [CN69] who connect turns away`,
  },
  {
    name: "write a query into the record of a refusal",
    file: "server/src/channels/channels.ts",
    from: `url: briefUrl(request.url)`,
    to: `url: request.url`,
    breaks: "CN66",
    scenario: "",
    by: `${mounts} > [CN66] [CN69] who connect turns away`,
  },
];
