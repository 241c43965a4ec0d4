// What was thrown, in the sentences of development.
export { describe as told } from "../base/errors.ts";
