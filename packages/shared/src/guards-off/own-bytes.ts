// Stands for guards/own-bytes.ts in a page that is built for production.
import type * as Guard from "../guards/own-bytes.ts";

type OwnBytesOf = InstanceType<typeof Guard.OwnBytes>;

export class OwnBytes implements Pick<OwnBytesOf, keyof OwnBytesOf> {
  make(size: number): Uint8Array {
    return new Uint8Array(size);
  }
  copy(from: Uint8Array): Uint8Array {
    return Uint8Array.from(from);
  }
}
