// The serialiser for who needs only what JSON has by itself (values/json-values.ts). Nothing is tagged and nothing
// converted: every value goes as it is, or is refused. So a page carries none of the value domain's code.
import { DEV } from "#dev/switch";
import { CallaError } from "../base/errors.ts";
import { checkJson, sameJson } from "../values/json-values.ts";
import type { JsonRules } from "../values/json-values.ts";
import { refusalError } from "../values/refusal.ts";
import type { RefusalCode } from "../values/refusal.ts";
import { preferred } from "./serialiser.ts";
import type { PayloadCodec, Serialiser, TextFormat } from "./serialiser.ts";

/**
 * A serialiser for values that JSON has by itself: null, booleans, texts, finite numbers, arrays and plain objects, in a
 * format of texts. A page that uses it is smaller than with `automatic`, by what the value domain takes.
 *
 * A field that is undefined is left out, as in JSON. Everything else that JSON has not (a Date, a Map, a Set, a bigint,
 * bytes, an instance of a class, NaN, an infinity, -0, undefined in an array) is refused with its path: in a message
 * `dispatch` throws `invalid-value`, and an update that puts it into a model is refused on the server. A field named `$` is
 * a field like any other; one named `__proto__` is refused in models too.
 *
 * Server and clients use the same serialiser. The format's name is `plain-` and that of the given one, so a peer that
 * speaks `automatic` is refused with a sentence, and never misunderstood.
 *
 * @throws CallaError `wiring`: the format is binary. Those lose some texts, which only `automatic` marks.
 * @example
 * export const serialiser = plain(json());
 */
export function plain(format: TextFormat): Serialiser {
  if (DEV && (format.binary as boolean)) {
    const { name } = format;
    throw new CallaError("wiring", { name }, `plain() takes json(); use automatic() for "${name}".`);
  }
  const formats = [{ ...format, name: `plain-${format.name}` }];
  const serialiser: Serialiser = {
    formats,
    domain: { onlyJson: true },
    payload: () => CODEC,
    use: (name) => {
      preferred(formats, name);
      return serialiser;
    },
    normaliseMessage: (message) => copied(message, MESSAGE),
    normaliseModel: (model) => copied(model, MODEL),
    normaliseDetails: (details) => copied(details, MESSAGE),
    same: sameJson,
  };
  return serialiser;
}

const MESSAGE = { hostile: true, symbols: false };
const MODEL = { hostile: false, symbols: false };

/** The value itself, if it is one that JSON has. */
const checked =
  (rules: JsonRules, code?: RefusalCode) =>
  (value: unknown): unknown => {
    try {
      checkJson(value, rules);
      return value;
    } catch (thrown) {
      throw refusalError(thrown, code);
    }
  };

const CODEC: PayloadCodec = /* @__PURE__ */ codec();
function codec(): PayloadCodec {
  const encode = checked(MESSAGE, "invalid-value");
  const decode = checked(MESSAGE);
  return {
    encodeMessage: encode,
    decodeMessage: decode,
    encodeModel: checked(MODEL, "invalid-value"),
    decodeModel: checked(MODEL),
    encodeDetails: encode,
    decodeDetails: decode,
  };
}

/** What readers get is what JSON gives back, so JSON makes the copy. */
const copied = (value: unknown, { hostile }: JsonRules): unknown =>
  JSON.parse(JSON.stringify(checked({ hostile, symbols: true }, "invalid-value")(value)));
