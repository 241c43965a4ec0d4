// Mistakes about the channels' engine: who is joined, what is handled when, who hears, what is left behind. As in
// mutants.mjs. `whole` is the simulation of the channels.

const engine = "server/src/channels/engine";
const whole = "server/test/whole/channels.sim.ts > [CW1]";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const channelMutants = [
  {
    name: "begin a channel before its join is answered",
    file: `${engine}/phoenix-socket.ts`,
    from: `          channel = this.#opened(pending, outcome.assigns);
`,
    to: `          channel = this.#opened(pending, outcome.assigns);
          channel.begin();
`,
    breaks: "CW1",
    scenario: "",
    by: whole,
  },
  {
    name: "leave what a join has held unsaid",
    file: `${engine}/phoenix-socket.ts`,
    from: `    this.#release(pending);
`,
    to: ``,
    breaks: "JN16",
    scenario: "",
    by: whole,
  },
  {
    name: "end no channel where a connection ends by its join's answer",
    file: `${engine}/phoenix-socket.ts`,
    from: `    if (over !== undefined) return channel?.end(over, undefined);
`,
    to: ``,
    breaks: "JN29",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [JN29] [DC9] by the answer`,
  },
  {
    name: "open a channel for who is gone, where its own join sent it away",
    file: `${engine}/phoenix-socket.ts`,
    from: `    if (pending.abandoned !== undefined) return this.#late(`,
    to: `    if (pending.abandoned?.type === "none") return this.#late(`,
    breaks: "JN29",
    scenario: "",
    by: whole,
  },
  {
    name: "forget an acceptance that comes late",
    file: `${engine}/phoenix-socket.ts`,
    from: `    if (outcome.type === "joined") this.#opened(pending, outcome.assigns).end(reason, undefined);
`,
    to: ``,
    breaks: "JN28",
    scenario: "",
    by: whole,
  },
  {
    name: "ask a join whose connection the channel before has ended",
    file: `${engine}/phoenix-socket.ts`,
    from: `    if (this.#ended !== undefined) return; // \`terminate\``,
    to: `    // \`terminate\``,
    breaks: "LV30",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [LV30] [JN29] by the farewell`,
  },
  {
    name: "keep the channels of a connection until its peer answers the close",
    file: `${engine}/phoenix-socket.ts`,
    from: `    this.connection.close(code, why);
    this.#endChannels(this.#ended);`,
    to: `    this.connection.close(code, why);`,
    breaks: "LV19",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [LV19]`,
  },
  {
    name: "close a connection each time that it is asked to",
    file: `${engine}/phoenix-socket.ts`,
    from: `  close(code: number, why: CloseReason): void {
    if (this.#ended !== undefined) return;
`,
    to: `  close(code: number, why: CloseReason): void {
`,
    breaks: "LV19",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [LV19]`,
  },
  {
    name: "take messages of an earlier channel for the one that is there",
    file: `${engine}/phoenix-socket.ts`,
    from: `    return joinRef === null || sameRef(joinRef, heldRef);`,
    to: `    return joinRef === null || sameRef(joinRef, heldRef) || heldRef !== null;`,
    breaks: "MS17",
    scenario: "",
    by: `${engine}/joined-channel.test.ts > [MS17]`,
  },
  {
    name: "count what waits for ever",
    file: `${engine}/phoenix-socket.ts`,
    from: `    this.#waiting--;
`,
    to: ``,
    breaks: "CW11",
    scenario: "",
    by: whole,
  },
  {
    name: "count nothing of what a join holds when it is let go",
    file: `${engine}/phoenix-socket.ts`,
    from: `      this.taken({ bytes });
`,
    to: ``,
    breaks: "CW11",
    scenario: "",
    by: whole,
  },
  {
    name: "say the end of a channel to who joined it again by the same ref",
    file: `${engine}/phoenix-socket.ts`,
    from: `    return before !== null && !sameRef(before, now);`,
    to: `    return before !== null;`,
    breaks: "LV33",
    scenario: "",
    by: `${engine}/joined-channel.test.ts > [LV33]`,
  },
  {
    name: "hold a join's refs, however long they are",
    file: `${engine}/phoenix-socket.ts`,
    from: `isTooLong(joinRef) || `,
    to: ``,
    breaks: "JN31",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [JN31] a join_ref`,
  },
  {
    name: "hold refs that are objects, however long they are",
    file: `${engine}/refs.ts`,
    from: `    : typeof name === "object" && name !== null && JSON`,
    to: `    : typeof name === "object" && name === undefined && JSON`,
    breaks: "JN31",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [JN31] a ref that`,
  },
  {
    name: "let who was joining keep the rights of before",
    file: `${engine}/phoenix-socket.ts`,
    from: `    if (pending.rightsChanged) channel?.reauthorise();
`,
    to: ``,
    breaks: "LV22",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [LV22] which changed`,
  },
  {
    name: "run handlers of one topic beside each other",
    file: `${engine}/mailbox.ts`,
    from: `    if (this.#busy) (this`,
    to: `    if (this.#busy && this.#waiting !== undefined) (this`,
    breaks: "CW3",
    scenario: "",
    by: whole,
  },
  {
    name: "handle what waits from its end",
    file: `${engine}/mailbox.ts`,
    from: `this.#waiting?.shift();`,
    to: `this.#waiting?.pop();`,
    breaks: "CW3",
    scenario: "",
    by: whole,
  },
  {
    name: "stop handling behind an asynchronous handler",
    file: `${engine}/mailbox.ts`,
    from: `      if (working !== undefined) return void working.then(() => this.#next());`,
    to: `      if (working !== undefined) return;`,
    breaks: "CW3",
    scenario: "",
    by: whole,
  },
  {
    name: "answer a ref as often as it is asked to",
    file: `${engine}/joined-channel.ts`,
    from: `    if (!this.#context.strictPhoenix && (this.ended || ref.answered)) return;`,
    to: `    if (!this.#context.strictPhoenix && this.ended) return;`,
    breaks: "MS20",
    scenario: "",
    by: `${engine}/joined-channel.test.ts > [MS20]`,
  },
  {
    name: "answer a ref that was taken behind the reply",
    file: `${engine}/joined-channel.ts`,
    from: `    this.#answered = true;
`,
    to: ``,
    breaks: "MS20",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [MS20] one that`,
  },
  {
    name: "answer behind the end of a channel",
    file: `${engine}/joined-channel.ts`,
    from: `    if (!this.#context.strictPhoenix && (this.ended || ref.answered)) return;`,
    to: `    if (!this.#context.strictPhoenix && ref.answered) return;`,
    breaks: "MS21",
    scenario: "",
    by: `${engine}/joined-channel.test.ts > [MS21]`,
  },
  {
    name: "push behind the end of a channel",
    file: `${engine}/joined-channel.ts`,
    from: `    mustBePayload(event, payload);
    if (this.ended) return;
`,
    to: `    mustBePayload(event, payload);
`,
    breaks: "CW7",
    scenario: "",
    by: whole,
  },
  {
    name: "leave an ended channel on its topic",
    file: `${engine}/joined-channel.ts`,
    from: `    this.#context.index.delete(this);
`,
    to: ``,
    breaks: "CW11",
    scenario: "",
    by: whole,
  },
  {
    name: "end a channel each time that something ends it",
    file: `${engine}/joined-channel.ts`,
    from: `    if (this.ended) return;
    this.ended = true;
`,
    to: `    this.ended = true;
`,
    breaks: "CW8",
    scenario: "",
    by: whole,
  },
  {
    name: "begin a channel that has ended meanwhile",
    file: `${engine}/joined-channel.ts`,
    from: `    if (this.ended) return;
    this.#begun = true;
`,
    to: `    this.#begun = true;
`,
    breaks: "CW11",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [LV30] [JN29] by the farewell`,
  },
  {
    name: "tell observers of the end of what never began",
    file: `${engine}/joined-channel.ts`,
    from: `    if (this.#begun) this.#context.observe`,
    to: `    this.#context.observe`,
    breaks: "LV17",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [LV17] [JN28]`,
  },
  {
    name: "say the end of a channel before what its terminate says",
    file: `${engine}/joined-channel.ts`,
    from: `    const { terminate } = this.definition;
`,
    to: `    const { terminate } = this.definition;
    if (farewell !== undefined) this.#socket.bidFarewell(this.topic, this.heldRef, farewell);
`,
    breaks: "LV21",
    scenario: "",
    by: `${engine}/joined-channel.test.ts > [LV21]`,
  },
  {
    name: "handle what was to wait for a channel that has crashed",
    file: `${engine}/joined-channel.ts`,
    from: `    for (const item of this.#mailbox.empty()) this.taken(item);
`,
    to: ``,
    breaks: "CW11",
    scenario: "",
    by: whole,
  },
  {
    name: "let broadcastFrom reach its sender",
    file: `${engine}/broadcasting.ts`,
    from: `channel.socketId !== from) channel.hear`,
    to: `channel.socketId !== "") channel.hear`,
    breaks: "CW6",
    scenario: "",
    by: whole,
  },
  {
    name: "hear one's own broadcasts from other nodes",
    file: `${engine}/broadcasting.ts`,
    from: `    if (node === this.#node) return;`,
    to: `    if (node === this.#node && from === undefined) return;`,
    breaks: "BC11",
    scenario: "",
    by: `${engine}/broadcasting.test.ts > [BC11]`,
  },
  {
    name: "let what a broadcast brings forth overtake it",
    file: `${engine}/broadcasting.ts`,
    from: `this.#sweeps.find((sweep) => sweep.has(topic))`,
    to: `this.#sweeps.find((sweep) => sweep.behind.length > 0 && sweep.has(topic))`,
    breaks: "BC10",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [BC10] by the terminate`,
  },
  {
    name: "lose what a broadcast brings forth",
    file: `${engine}/broadcasting.ts`,
    from: `    this.behind.push({ topic, said, from });
`,
    to: ``,
    breaks: "BC10",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [BC10] by the terminate`,
  },
  {
    name: "listen to topics on which nobody is any more",
    file: `${engine}/broadcasting.ts`,
    from: `    this.#silences.get(topic)?.();
`,
    to: ``,
    breaks: "CW11",
    scenario: "",
    by: whole,
  },
  {
    name: "keep topics on which nobody is any more",
    file: `${engine}/topic-index.ts`,
    from: `    if (all?.delete(channel) !== true || all.size > 0) return;`,
    to: `    if (all?.delete(channel) !== true || all.size >= 0) return;`,
    breaks: "CW11",
    scenario: "",
    by: whole,
  },
  {
    name: "close a connection that is disconnected as a browser closes one",
    file: `${engine}/phoenix-socket.ts`,
    from: `export const CLOSE = { disconnected: 1001,`,
    to: `export const CLOSE = { disconnected: 1000,`,
    breaks: "CW10",
    scenario: "",
    by: whole,
  },
  {
    name: "keep those whom a socket that throws comes before from hearing",
    file: "server/src/channels/connect-socket.ts",
    from: `    host.report(error);
    wired?.disconnect();
    close(1011, "transport");`,
    to: `    wired?.disconnect();
    throw error;`,
    breaks: "DC14",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [DC14]`,
  },
  {
    name: "let a broadcast that JSON cannot write vanish",
    file: "server/src/channels/wire/shared-message.ts",
    from: `      if (!(thrown instanceof UnsayableMessage && isBytes(payload))) throw thrown;`,
    to: `      if (!(thrown instanceof UnsayableMessage)) throw thrown;`,
    breaks: "BC7",
    scenario: "",
    by: `${engine}/reentrance.test.ts > [BC7] a broadcast that JSON`,
  },
];
