// Changes to the client's engine: what is replayed and when, what of the outbox is looked at, which records are one's own.
const replica = "client/src/engine/replica.test.ts";
const many = "client/test/many-pending.test.ts";
const outbox = "client/src/engine/outbox.test.ts";

export const engineMutants = [
  {
    name: "replay what is pending for each frame",
    file: "client/src/engine/replica.ts",
    from: `    if (!asPredicted) this.repeat();`,
    to: `    if (!asPredicted) {
      this.repeat();
      this.replay();
    }`,
    breaks: "RB2",
    scenario: "S1",
    by: `${replica} > [RB2] P pending cost P updates`,
  },
  {
    name: "take another's record for one's own by its id",
    file: "client/src/engine/replica.ts",
    from: `if (own && head?.entry.id === act.id) {`,
    to: `if (head?.entry.id === act.id) {`,
    breaks: "RB3",
    scenario: "",
    by: `${replica} > [RB3] another's record with the id`,
  },
  {
    name: "replay for one's own record whose acknowledgement came first",
    file: "client/src/engine/replica.ts",
    from: `if (own && head?.entry.id === act.id) {`,
    to: `if (own && head?.entry.goneAt === Infinity && head.entry.id === act.id) {`,
    breaks: "RB3",
    scenario: "",
    by: `${replica} > [RB3] own records whose outcome came before them`,
  },
  {
    name: "keep the models of what has left",
    file: "client/src/engine/replica.ts",
    from: `    const left = this.list.slice(this.first, next).map((one) => {
      this.#free(one);`,
    to: `    const left = this.list.slice(this.first, next).map((one) => {`,
    breaks: "RB10",
    scenario: "",
    by: `${replica} > [RB10] what has left is not kept`,
  },
  {
    name: "copy the list of what is pending for each record",
    file: "client/src/engine/replica.ts",
    from: `if (next > MOST_LEFT && next > this.count) {`,
    to: `if (next > 0) {`,
    breaks: "RB14",
    scenario: "S20",
    by: `${many} > [RB14] [RB3] a record that is as predicted`,
  },
  {
    name: "replay all the time where replays take long",
    file: "client/src/engine/life.ts",
    from: `const left = at + 2 * took - core.clock.monotonic();`,
    to: `const left = at + took - core.clock.monotonic();`,
    breaks: "RB15",
    scenario: "",
    by: `${many} > [RB15] after a replay that took long`,
  },
  {
    name: "let what nobody looks at rest for ever",
    file: "client/src/engine/life.ts",
    from: `    core.resting.delete(one);
    touch(core, one);`,
    to: `    core.resting.delete(one);`,
    breaks: "RB15",
    scenario: "",
    by: `${many} > [RB15] after a replay that took long`,
  },
  {
    name: "look only at what stands behind the last one sent, also after a pause",
    file: "client/src/engine/outbox.ts",
    from: `  queue.said = Math.min(queue.said, entry.mid - 1);`,
    to: ``,
    breaks: "CL11",
    scenario: "S5",
    by: `${outbox} > [CL11] what was sent from a mid on`,
  },
  {
    name: "forget a queue when its pause is over",
    file: "client/src/engine/incoming.ts",
    from: `    queue.paused = undefined;
    core.unsent.add(queue);`,
    to: `    queue.paused = undefined;`,
    breaks: "CL11",
    scenario: "S14",
    by: "client/test/outcomes.test.ts > [CL11] S33 after a pause",
  },
  {
    name: "forget on a new connection what a pause had kept",
    file: "client/src/engine/greeting.ts",
    from: `    core.unsent.add(queue);`,
    to: ``,
    breaks: "OB4",
    scenario: "S5",
    by: "client/test/wall-clock.test.ts > [CL11] [OB4] what a pause kept",
  },
  {
    name: "send what is doubted as all else once nothing of it may leave",
    file: "client/src/engine/outbox.ts",
    from: `if (isDoubted(entry)) suspects.busy = true;`,
    to: `if (isDoubted(entry)) suspects.busy = false;`,
    breaks: "OB20",
    scenario: "",
    by: "client/test/poison.test.ts > [OB20]",
  },
  {
    name: "take all that has come before the loop turns",
    file: "client/src/connection/connection.ts",
    from: `      if (tookAt - stretchAt <= STRETCH) continue;`,
    to: `      if (tookAt - stretchAt <= Infinity) continue;`,
    breaks: "CL60",
    scenario: "",
    by: `${many} > [CL60] what came in one go`,
  },
  {
    name: "let a connection's end overtake what came before it",
    file: "client/src/connection/connection.ts",
    from: `attempt === mine && inTurn(() => closed(reason)),`,
    to: `attempt === mine && closed(reason),`,
    breaks: "CL60",
    scenario: "",
    by: `${many} > [CL60] what came in one go`,
  },
  {
    name: "replay after each stretch while more has come than has been taken",
    file: "client/src/engine/life.ts",
    from: `if (core.taking - taking >= 8 * took) return false;`,
    to: `if (core.taking - taking >= 0 * took) return false;`,
    breaks: "RB15",
    scenario: "",
    by: `${many} > [RB15] [CL60] while more has come`,
  },
  {
    name: "forget who rests once all has been taken",
    file: "client/src/connection/connection.ts",
    from: `    core.crowded = false;
    due(core);`,
    to: `    core.crowded = false;`,
    breaks: "RB15",
    scenario: "",
    by: `${many} > [RB15] [CL60] while more has come`,
  },
];
