// Mistakes that a sync engine must not make, each one put into the sources by replacing one text, and what must notice
// it. These are patches in a form that does not rot: lines may move, but a `from` that is not found exactly once is an
// error (run.mjs), so that a stale mutant is mended and never passes for a caught one.

import { admissionMutants } from "./mutants-admission.mjs";
import { answerMutants } from "./mutants-answers.mjs";
import { arrayMutants } from "./mutants-arrays.mjs";
import { bindingMutants } from "./mutants-bindings.mjs";
import { rightsMutants } from "./mutants-rights.mjs";
import { byteMutants } from "./mutants-bytes.mjs";
import { costMutants } from "./mutants-cost.mjs";
import { durableMutants } from "./mutants-durable.mjs";
import { growthMutants } from "./mutants-growth.mjs";
import { formMutants } from "./mutants-forms.mjs";
import { frameMutants } from "./mutants-frames.mjs";
import { identityMutants } from "./mutants-identity.mjs";
import { modelMutants } from "./mutants-models.mjs";
import { shareMutants } from "./mutants-shares.mjs";
import { scalesMutants } from "./mutants-scales.mjs";
import { countMutants } from "./mutants-counts.mjs";
import { restMutants } from "./mutants-rest.mjs";
import { secondMutants } from "./mutants-second.mjs";
import { pagesMutants } from "./mutants-pages.mjs";
import { plainMutants } from "./mutants-plain.mjs";
import { storeMutants } from "./mutants-stores.mjs";
import { mountMutants } from "./mutants-mount.mjs";
import { nodesMutants } from "./mutants-nodes.mjs";
import { newcomerMutants } from "./mutants-newcomer.mjs";
import { hostileMutants } from "./mutants-hostile.mjs";
import { stuckMutants } from "./mutants-stuck.mjs";
import { leavingMutants } from "./mutants-leaving.mjs";
import { timeMutants } from "./mutants-time.mjs";
import { versionMutants } from "./mutants-versions.mjs";
import { hookMutants } from "./mutants-hooks.mjs";
import { wakeMutants } from "./mutants-wake.mjs";
import { wireMutants } from "./mutants-wire.mjs";
import { wordsMutants } from "./mutants-words.mjs";
import { roomMutants } from "./mutants-rooms.mjs";
import { codesMutants } from "./mutants-codes.mjs";
import { edgeMutants } from "./edge.mjs";
import { engineMutants } from "./mutants-engine.mjs";
import { rowMutants } from "./mutants-rows.mjs";
import { besideMutants } from "./mutants-beside.mjs";
import { ownerMutants } from "./mutants-owners.mjs";
import { unitMutants } from "./mutants-units.mjs";
import { longpollMutants } from "./mutants-longpoll.mjs";
import { channelMutants } from "./mutants-channels.mjs";
import { phoenixClientMutants } from "./mutants-phoenix-clients.mjs";
import { conformanceMutants } from "./mutants-conformance.mjs";
import { kitMutants } from "./mutants-kit.mjs";
import { kitPresenceMutants } from "./mutants-kit-presence.mjs";
import { recordingMutants } from "./mutants-recordings.mjs";
import { presenceMutants } from "./mutants-presence.mjs";
import { channelPresenceMutants } from "./mutants-channel-presence.mjs";
import { supabaseMutants } from "./mutants-supabase.mjs";
import { clientPresenceMutants } from "./mutants-client-presence.mjs";
import { supabasePresenceMutants } from "./mutants-supabase-presence.mjs";
import { bridgeMutants } from "./mutants-bridge.mjs";
import { groupMutants } from "./mutants-groups.mjs";
import { guestMutants } from "./mutants-guests.mjs";
import { patchMutants } from "./mutants-patch.mjs";
import { syncPresenceMutants } from "./mutants-sync-presence.mjs";
import { momentMutants } from "./mutants-moments.mjs";
import { postgresLogMutants } from "./mutants-postgres-log.mjs";
import { postgresPubSubMutants } from "./mutants-postgres-pubsub.mjs";
import { supervisionMutants } from "./mutants-supervision.mjs";

/**
 * @typedef {object} Mutant
 * @property {string} name The mistake, in words that fit on a line of the table.
 * @property {string} file Under packages/.
 * @property {string} from Stands there exactly once.
 * @property {string} to What stands there instead.
 * @property {string} breaks The rule that the mistake breaks (SPEC.md).
 * @property {string} scenario Where it hurts (the acceptance tests by number), or "".
 * @property {string} by What must catch it: rules of the history checker, separated by spaces, by the seeded campaign;
 *   or a test, as `file > a part of its name`.
 * @property {true} [fast] In every test run: the others wait for CALLA_MUTANTS=all.
 */

/** @type {readonly Mutant[]} */
export const mutants = [
  ...versionMutants,
  ...costMutants,
  ...modelMutants,
  ...formMutants,
  ...frameMutants,
  ...shareMutants,
  ...rowMutants,
  ...besideMutants,
  ...ownerMutants,
  ...unitMutants,
  ...longpollMutants,
  ...phoenixClientMutants,
  ...supabaseMutants,
  ...clientPresenceMutants,
  ...supabasePresenceMutants,
  ...bridgeMutants,
  ...groupMutants,
  ...guestMutants,
  ...patchMutants,
  ...postgresLogMutants,
  ...postgresPubSubMutants,
  ...supervisionMutants,
  ...momentMutants,
  ...byteMutants,
  ...admissionMutants,
  ...rightsMutants,
  ...answerMutants,
  ...identityMutants,
  ...wakeMutants,
  ...wireMutants,
  ...recordingMutants,
  ...kitMutants,
  ...kitPresenceMutants,
  ...conformanceMutants,
  ...presenceMutants,
  ...channelPresenceMutants,
  ...codesMutants,
  ...hookMutants,
  ...arrayMutants,
  // -------------------------------------------------------------------------------------------------- server: mids
  {
    name: "skip dedupe: take a known mid again",
    file: "server/src/target/client-row.ts",
    from: `if (outcome.mid === mid) return outcome.id === id ? { is: "known", outcome } : CONFLICT;`,
    to: `if (outcome.mid === mid) return outcome.id === id ? NEXT : CONFLICT;`,
    breaks: "TE2",
    scenario: "S4",
    by: "HC2",
    fast: true,
  },
  {
    name: "retry from update, not from dedupe, after a conflict",
    file: "server/src/target/target-engine.ts",
    from: `  conflicted(missed?: ReadResult): readonly Effect<Reply>[] {
    this.#inDoubt();`,
    to: `  conflicted(missed?: ReadResult): readonly Effect<Reply>[] {
    this.#inDoubt();
    this.#doubtful = this.#doubtful.map((intent) => ({ ...intent, row: "" }));`,
    breaks: "TE14",
    scenario: "S31",
    by: "HC2",
  },
  {
    name: "decide by a client row that another node has outdated",
    file: "server/src/target/target-engine.ts",
    from: `if (record.author !== null) this.#outdate(record.author.clientId);`,
    to: ``,
    breaks: "TE6",
    scenario: "S31",
    by: "server/src/target/target-engine.test.ts > [TE6] a row in memory is dropped",
  },
  {
    name: "use a row whose read was overtaken",
    file: "server/src/target/target-engine.ts",
    from: `if (load.again) {`,
    to: `if (false) {`,
    breaks: "TE6",
    scenario: "S31",
    by: "server/src/target/target-engine.test.ts > [TE6] a row whose read",
  },
  {
    name: "tolerate holes: take a mid after a missing one",
    file: "server/src/target/client-row.ts",
    from: `if (mid > row.last) return { is: "early", from: row.last + 1 };`,
    to: `if (mid > row.last) return NEXT;`,
    breaks: "TE7",
    scenario: "S33",
    by: "HC5",
    fast: true,
  },
  {
    name: "forget a rejection when a later mid is taken",
    file: "server/src/target/client-row.ts",
    from: `row.outcomes.push(outcome);`,
    to: `row.outcomes = [...row.outcomes.filter((one) => "sequence" in one), outcome];`,
    breaks: "TE3",
    scenario: "S34",
    by: "HC2 HC3",
  },
  {
    name: "forget an outcome that the client has not settled",
    file: "server/src/target/client-row.ts",
    from: `row.outcomes[known]!.mid <= settled)`,
    to: `row.outcomes[known]!.mid <= settled + 1)`,
    breaks: "TE3",
    scenario: "S34",
    by: "HC2 HC3",
  },
  {
    name: "tell a refusal that stands in no log",
    file: "server/src/target/target-engine.ts",
    from: `if (flight.records.length === 0 && !flight.refused) {`,
    to: `if (flight.records.length === 0) {`,
    breaks: "TE19",
    scenario: "S32",
    by: "server/src/target/target-engine.test.ts > [TE19]",
  },
  {
    name: "apply a server's keyed dispatch once per call",
    file: "server/src/hub/dispatch.ts",
    from: 'row: key === undefined ? "" : `#${key}`,',
    to: `row: "",`,
    breaks: "TE18",
    scenario: "",
    by: "server/src/server-topic.test.ts > TE18",
  },

  // ----------------------------------------------------------------------------------------- server: what is told
  {
    name: "acknowledge before the append",
    file: "server/src/target/target-engine.ts",
    from: `effects.push({ type: "append",`,
    to: `effects.push(...flight.tells.splice(0), { type: "append",`,
    breaks: "TE4",
    scenario: "S7",
    by: "HC4 HC3",
    fast: true,
  },
  {
    name: "tell a repeated mid its outcome before that is durable",
    file: "server/src/target/batch.ts",
    from: `this.flight.tells.push(
          "sequence" in found.outcome`,
    to: `this.effects.push(
          "sequence" in found.outcome`,
    breaks: "TE4",
    scenario: "S7",
    by: "server/src/target/target-engine.test.ts > [TE4] a repeated mid",
  },
  {
    name: "take an append without an answer for refused",
    file: "server/src/target/target-engine.ts",
    from: `  lost(): readonly Effect<Reply>[] {
    this.#inDoubt();`,
    to: `  lost(): readonly Effect<Reply>[] {
    if (this.#phase === "flying") {
      const refused = this.#flight!.intents;
      this.#flight = undefined;
      this.#phase = "ready";
      return refused.map(({ reply, mid, id }) => ({ type: "rejected", reply, mid, id, from: "calla", code: "storage", details: {} }));
    }
    this.#inDoubt();`,
    breaks: "TE12",
    scenario: "S36",
    by: "HC3",
  },
  {
    name: "take an append without an answer for appended",
    file: "server/src/target/commit-loop.ts",
    from: `this.#lookUp(live, engine.lost());`,
    to: `this.run(live, engine.appended());`,
    breaks: "TE12",
    scenario: "S28",
    by: "HC3 HC4",
  },
  {
    name: "write a row over what another node has told its client",
    file: "server/src/log/memory/client-rows.ts",
    from: `(ofTarget.get(clientId)?.last ?? was) !== was`,
    to: `false`,
    breaks: "LG46",
    scenario: "S8",
    by: "server/src/log/memory/memory-log.test.ts > [LG46]",
  },
  {
    name: "apply half of a dispatch",
    file: "server/src/target/batch.ts",
    from: `this.#state.model, admitted.messages, context`,
    to: `this.#state.model, admitted.messages.slice(0, 1), context`,
    breaks: "TE16",
    scenario: "S28",
    by: "HC7 HC12",
  },

  // ------------------------------------------------------------------------------------------ server: the history
  {
    name: "ignore the mark of a subscriber's cursor",
    file: "server/src/target/target-engine.ts",
    from: `return mark === cursor.mark ? this.#recent.slice(skip) : undefined;`,
    to: `return this.#recent.slice(skip);`,
    breaks: "FO3",
    scenario: "S14",
    by: "HC7",
    fast: true,
  },
  {
    name: "begin a history without a seed",
    file: "server/src/target/batch.ts",
    from: `chainMark(sequence === 0 ? this.#options.random.uint32() : mark, record)`,
    to: `chainMark(mark, record)`,
    breaks: "TE8",
    scenario: "S14",
    by: "server/src/target/target-engine.test.ts > [TE8] marks chain",
  },
  {
    name: "let context.at go back with the clock",
    file: "server/src/target/batch.ts",
    from: `at: Math.max(state.at, now)`,
    to: `at: now`,
    breaks: "TE15",
    scenario: "",
    by: "server/src/target/target-engine.test.ts > [TE15]",
  },
  {
    name: "answer a subscriber that is ahead without a look at the log",
    file: "server/src/hub/catch-up.ts",
    from: `      (this.#context.log.shared && !isFresh) ||
      (cursor !== undefined && cursor.sequence > live.engine!.state.sequence)`,
    to: `      false`,
    breaks: "FO4",
    scenario: "S42",
    by: "server/src/hub/catch-up.test.ts > [FO4]",
  },
  {
    name: "save an older snapshot over a newer one",
    file: "server/src/log/memory/target-history.ts",
    from: `    if (sequence <= (this.#snapshots.at(-1)?.sequence ?? 0) || sequence <= this.#base.sequence) return 0;
    if (this.#markAt(sequence) !== mark) return 0;`,
    to: ``,
    breaks: "LG17",
    scenario: "S40",
    by: "server/src/log/memory/memory-log.test.ts > [LG17]",
  },
  {
    name: "forget the tombstone of a removed target",
    file: "server/src/log/memory/target-history.ts",
    from: `this.#removed = true;`,
    to: ``,
    breaks: "LG19",
    scenario: "S46",
    by: "server/src/log/memory/memory-log.test.ts > [LG19]",
  },

  // -------------------------------------------------------------------------------------- server: who may do what
  {
    name: "skip canSubscribe",
    file: "server/src/hub/subscriptions.ts",
    from: `if (!subscription.admitted) {`,
    to: `if (false) {`,
    breaks: "HA3",
    scenario: "S17",
    by: "server/src/app/handlers.test.ts > [HA3] S17",
  },
  {
    name: "skip canDispatch",
    file: "server/src/app/handlers.ts",
    from: `if (allowed !== true) return refuse("forbidden");`,
    to: ``,
    breaks: "HA4",
    scenario: "S17",
    by: "server/src/app/handlers.test.ts > [HA4] without canDispatch",
  },
  {
    name: "let a client name another client's session",
    file: "server/src/target/target-directory.ts",
    from: `isSession(key) && key !== sessionKey(clientId) ? undefined`,
    to: `false ? undefined`,
    breaks: "HA10",
    scenario: "S17",
    by: "server/src/app/handlers.test.ts > [HA10] S17",
  },
  {
    name: "obey a subscribe that a newer one has overtaken (server)",
    file: "server/src/hub/subscriptions.ts",
    from: `if (before !== undefined && before.ref > asked.ref) return undefined; // an old request, overtaken`,
    to: ``,
    breaks: "CV9",
    scenario: "S43",
    by: "server/src/hub/hub.test.ts > [CV10]",
  },
  {
    name: "obey an unsubscribe that a newer subscribe has overtaken (server)",
    file: "server/src/hub/router.ts",
    from: `if ((conversation.subscriptions.get(key)?.ref ?? Infinity) <= ref) subscriptions`,
    to: `subscriptions`,
    breaks: "CV10",
    scenario: "S43",
    by: "server/src/hub/hub.test.ts > [CV10]",
  },
  {
    name: "show updates between a subscribe and its answer",
    file: "server/src/hub/subscriptions.ts",
    from: `this.#directory.get(key)?.audience.remove(conversation);
    this.#slowConsumers`,
    to: `this.#slowConsumers`,
    breaks: "CV8",
    scenario: "S43",
    by: "server/src/hub/hub.test.ts > [CV8]",
  },

  // ----------------------------------------------------------------------------------------------- client: outbox
  {
    name: "send before it is durable",
    file: "client/src/engine/outbox.ts",
    from: `    if (entry.stage === "new" || entry.held || entry.voided || entry.mid >= end) break;
    if (entry.stage === "stored") found.push(entry);`,
    to: `    if (entry.mid === 0 || entry.mid >= end) break;
    if (entry.stage === "stored" || entry.stage === "new") found.push(entry);`,
    breaks: "OB1",
    scenario: "S35",
    by: "HC13",
    fast: true,
  },
  {
    name: "reuse a mid after a reload",
    file: "client/src/storage/ledger.ts",
    from: `Object.assign(queueOf(core, key), row, { loaded: row.last });`,
    to: `Object.assign(queueOf(core, key), row, { loaded: row.last, last: row.settled });`,
    breaks: "OB2",
    scenario: "S35",
    by: "HC14",
  },
  {
    name: "tell an outcome before it is durable",
    file: "client/src/engine/outbox.ts",
    from: `entry.decidedUnder = one.subscription.ref;`,
    to: `entry.decidedUnder = one.subscription.ref;
    entry.recorded = true;`,
    breaks: "OB3",
    scenario: "S44",
    by: "HC13",
  },
  {
    name: "call settled what is not durable",
    file: "client/src/engine/outbox.ts",
    from: `entry.decidedUnder = one.subscription.ref;`,
    to: `entry.decidedUnder = one.subscription.ref;
    one.queue.settled = settledMid(one.queue);`,
    breaks: "OB3",
    scenario: "S34",
    by: "client/test/outcomes.test.ts > [OB3] S34 a message that leaves",
  },
  {
    name: "never send again what has no answer",
    file: "client/src/engine/life.ts",
    from: `again(core, queue, 0, before);`,
    to: ``,
    breaks: "CL10",
    scenario: "S5",
    by: "HC16",
  },
  {
    name: "never ask again what has no answer",
    file: "client/src/engine/life.ts",
    from: `if (subscription.askedAt < before && !subscription.retrying) ask(core, one);`,
    to: ``,
    breaks: "CL10",
    scenario: "S15",
    by: "client/test/subscribing.test.ts > [CL10]",
  },
  {
    name: "forget after a reconnect what was sent before",
    file: "client/src/engine/greeting.ts",
    from: `again(core, queue, 0, Infinity);`,
    to: ``,
    breaks: "OB4",
    scenario: "S5",
    by: "client/test/outcomes.test.ts > [OB4] S5",
  },

  // --------------------------------------------------------------------------------------------- client: the model
  {
    name: "keep a dispatch pending beside its own record",
    file: "client/src/engine/replica.ts",
    from: `goneAt <= sequence);`,
    to: `goneAt < sequence);`,
    breaks: "RB5",
    scenario: "S3",
    by: "HC7",
  },
  {
    name: "fold records twice when frames overlap",
    file: "client/src/engine/incoming.ts",
    from: `if (frame.after !== confirmed.sequence || frame.from !== confirmed.mark) {`,
    to: `if (frame.after > confirmed.sequence) {`,
    breaks: "CL3",
    scenario: "S12",
    by: "HC7",
  },
  {
    name: "fold records behind a gap",
    file: "client/src/engine/incoming.ts",
    from: `if (frame.after !== confirmed.sequence || frame.from !== confirmed.mark) {`,
    to: `if (frame.after < confirmed.sequence) {`,
    breaks: "CL3",
    scenario: "S12",
    by: "HC7",
  },
  {
    name: "ignore the mark of an update",
    file: "client/src/engine/incoming.ts",
    from: `if (frame.after !== confirmed.sequence || frame.from !== confirmed.mark) {`,
    to: `if (frame.after !== confirmed.sequence) {`,
    breaks: "CL3",
    scenario: "S14",
    by: "client/test/conversation.test.ts > [CL3] S14",
  },
  {
    name: "do not replay what is pending on a foreign record",
    file: "client/src/engine/replica.ts",
    from: `if (!asPredicted) this.repeat();`,
    to: ``,
    breaks: "RB2",
    scenario: "S1",
    by: "HC7",
  },
  {
    name: "ignore the outcomes of a resync",
    file: "client/src/engine/incoming.ts",
    from: `of frame.outcomes) {`,
    to: `of frame.outcomes.slice(0, 0)) {`,
    breaks: "CL5",
    scenario: "S3",
    by: "HC7",
    fast: true,
  },
  {
    name: "obey the answer to an old ref (client)",
    file: "client/src/engine/incoming.ts",
    from: `else if (!followed || frame.ref !== subscription.ref) return;`,
    to: `else if (!followed) return;`,
    breaks: "CL4",
    scenario: "S43",
    by: "client/test/conversation.test.ts > [CL4]",
  },
  {
    name: "obey the late events of a superseded socket",
    file: "client/src/connection/connection.ts",
    from: `close: (reason: CloseReason) => attempt === mine && inTurn(() => closed(reason)),`,
    to: `close: (reason: CloseReason) => inTurn(() => closed(reason)),`,
    breaks: "CL2",
    scenario: "S22",
    by: "client/test/conversation.test.ts > [CL2] [CL33] S22",
  },

  ...edgeMutants,
  ...engineMutants,
  ...durableMutants,
  ...scalesMutants,
  ...secondMutants,
  ...restMutants,
  ...countMutants,
  ...growthMutants,
  ...timeMutants,
  ...storeMutants,
  ...stuckMutants,
  ...mountMutants,
  ...wordsMutants,
  ...roomMutants,
  ...nodesMutants,
  ...newcomerMutants,
  ...hostileMutants,
  ...leavingMutants,
  ...channelMutants,
  ...pagesMutants,
  ...plainMutants,
  ...syncPresenceMutants,
  ...bindingMutants,
];
