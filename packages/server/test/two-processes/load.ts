// One of several processes that append to the same targets of one file, each from the head that it last saw. Arguments:
// the file, its own number, how many appends of its own must be taken. Tells how many conflicts it met.
import { sqlite } from "../../src/log/sqlite/sqlite.ts";

const [file = "", name = "", count = "0"] = process.argv.slice(2);
const log = sqlite(file);
let conflicts = 0;
for (let taken = 0; taken < Number(count);) {
  const target = `t${taken % 3}`;
  const head = await log.open(target);
  const expected = { sequence: head?.sequence ?? 0, mark: head?.mark ?? 0 };
  const id = `${name}-${taken}`;
  const record = {
    sequence: expected.sequence + 1,
    // A chain, as the server's marks are.
    mark: (Math.imul(expected.mark, 31) + taken * 2 + Number(name)) >>> 0,
    version: 1,
    at: 1,
    author: { clientId: name, userId: null },
    mid: taken + 1,
    id,
    messages: [{ type: "said", id }],
  };
  const known = await log.client(target, name);
  // Each outcome is settled four appends of its target later.
  const row = { clientId: name, was: known?.last ?? 0, last: taken + 1, settled: Math.max(0, taken - 12) };
  const rows = [{ ...row, outcomes: [{ mid: taken + 1, id, sequence: record.sequence }] }];
  const [result] = await log.append([{ target, expected, records: [record], rows, at: record.at }]);
  if (result?.status === "appended") taken++;
  else conflicts++;
}
const secret = Buffer.from((await log.secret())!).toString("hex");
await log.close();
process.stdout.write(JSON.stringify({ conflicts, secret }));
