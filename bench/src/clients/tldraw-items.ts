// The items as records of tldraw's store. What is stored is checked on both sides, as its own records are.
import { createRecordType, StoreSchema } from "@tldraw/store";
import type { BaseRecord, RecordId } from "@tldraw/store";
import { firstItems } from "../fixtures.ts";

export interface ItemRecord extends BaseRecord<"item", RecordId<ItemRecord>> {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

const itemType = createRecordType<ItemRecord>("item", {
  scope: "document",
  validator: {
    validate(given) {
      const { typeName, id, text, x, y } = given as Partial<ItemRecord>;
      if (
        typeName !== "item" ||
        typeof id !== "string" ||
        typeof text !== "string" ||
        typeof x !== "number" ||
        typeof y !== "number"
      )
        throw new Error("this is no item");
      return given as ItemRecord;
    },
  },
});
export const schema = StoreSchema.create<ItemRecord>({ item: itemType });
export const ids: readonly RecordId<ItemRecord>[] = firstItems().map(({ id }) => itemType.createId(id));
export const firstRecords = (): readonly ItemRecord[] =>
  firstItems().map(({ text, x, y }, at) => itemType.create({ id: ids[at]!, text, x, y }));
