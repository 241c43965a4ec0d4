// Pictures as browsers take them, read; and several as one that moves (APNG), written: only what changes is in it.
import { crc32, deflateSync, inflateSync } from "node:zlib";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue, row by row. */
  readonly pixels: Buffer;
}
export interface Frame {
  readonly picture: Picture;
  readonly milliseconds: number;
}

const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

/** Of 8 bits a channel, with or without opacity, which is dropped, and not interlaced: as Chromium writes them. */
export function readPng(file: Buffer): Picture {
  const parts: Buffer[] = [];
  let [width, height, channels] = [0, 0, 3];
  for (let at = SIGNATURE.length; at < file.length;) {
    const size = file.readUInt32BE(at);
    const type = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + size);
    if (type === "IHDR") {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      if (body[8] !== 8 || (body[9] !== 2 && body[9] !== 6) || body[12] !== 0)
        throw new Error("This kind of PNG is not read here.");
      channels = body[9] === 6 ? 4 : 3;
    }
    if (type === "IDAT") parts.push(body);
    at += size + 12;
  }
  const lines = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) lines.copy(pixels, i * 3, i * channels, i * channels + 3);
  return { width, height, pixels };
}

/** Each line is written as what differs from its neighbours to the left and above, in one of five ways. */
function unfiltered(data: Buffer, stride: number, height: number, step: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const way = data[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= step ? (out[at - step] ?? 0) : 0;
      const up = y > 0 ? (out[at - stride] ?? 0) : 0;
      const corner = x >= step && y > 0 ? (out[at - stride - step] ?? 0) : 0;
      const guess = [0, left, up, (left + up) >> 1, nearest(left, up, corner)][way ?? 0] ?? 0;
      out[at] = (data[y * (stride + 1) + 1 + x] ?? 0) + guess;
    }
  }
  return out;
}

function nearest(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

interface Change {
  x: number;
  y: number;
  readonly width: number;
  readonly height: number;
  /** With opacity: what has not changed is clear, and the picture before shows through. */
  readonly pixels: Buffer;
}

/** The smallest rectangle with all that changed; undefined where nothing did. */
export function changeOf(
  before: Picture | undefined,
  { width, height, pixels }: Picture,
): Change | undefined {
  const differs = (i: number): boolean => !before || before.pixels.compare(pixels, i, i + 3, i, i + 3) !== 0;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let i = 0; i < width * height; i++) {
    if (!differs(i * 3)) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) return undefined;
  const size = { width: right - left + 1, height: bottom - top + 1 };
  const changed = Buffer.alloc(size.width * size.height * 4);
  for (let i = 0; i < size.width * size.height; i++) {
    const from = ((top + Math.floor(i / size.width)) * width + left + (i % size.width)) * 3;
    if (!differs(from)) continue;
    pixels.copy(changed, i * 4, from, from + 3);
    changed[i * 4 + 3] = 255;
  }
  return { x: left, y: top, ...size, pixels: changed };
}

/** A film that nobody can stop should end. */
const PLAYS = 3;

/** A PNG that shows these one after the other, three times, and ends with the last. Programs that know no APNG show the first. */
export function movingPng(frames: readonly Frame[]): Buffer {
  const changes: { change: Change; milliseconds: number }[] = [];
  let before: Picture | undefined;
  for (const { picture, milliseconds } of frames) {
    const change = changeOf(before, picture);
    const last = changes.at(-1);
    // Nothing new: what is there is shown for longer.
    if (!change && last) last.milliseconds += milliseconds;
    if (change) changes.push({ change, milliseconds });
    before = picture;
  }
  const [first] = changes;
  if (!first) throw new Error("A film needs a frame.");
  const { width, height } = first.change;
  let sequence = 0;
  const parts = changes.flatMap(({ change, milliseconds }, i) => {
    const control = Buffer.alloc(26);
    [sequence++, change.width, change.height, change.x, change.y].forEach((n, at) =>
      control.writeUInt32BE(n, at * 4),
    );
    control.writeUInt16BE(milliseconds, 20);
    control.writeUInt16BE(1000, 22);
    control[25] = i === 0 ? 0 : 1; // laid over what was there
    const data = packed(change);
    return [chunk("fcTL", control), i === 0 ? chunk("IDAT", data) : chunk("fdAT", numbers(sequence++), data)];
  });
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", numbers(width, height), Buffer.from([8, 6, 0, 0, 0])),
    chunk("acTL", numbers(changes.length, PLAYS)),
    ...parts,
    chunk("IEND"),
  ]);
}

/** In the smaller of two ways: as it is, or line by line as what differs from the line above. */
function packed({ width, height, pixels }: Change): Buffer {
  const stride = width * 4;
  const ways = [0, 2].map((way) => {
    const lines = Buffer.alloc((stride + 1) * height);
    for (let y = 0; y < height; y++) {
      lines[y * (stride + 1)] = way;
      for (let x = 0; x < stride; x++) {
        const up = way === 2 && y > 0 ? (pixels[(y - 1) * stride + x] ?? 0) : 0;
        lines[y * (stride + 1) + 1 + x] = (pixels[y * stride + x] ?? 0) - up;
      }
    }
    return deflateSync(lines, { level: 9 });
  });
  return ways.reduce((best, other) => (other.length < best.length ? other : best));
}

function numbers(...list: readonly number[]): Buffer {
  const buffer = Buffer.alloc(list.length * 4);
  list.forEach((n, i) => buffer.writeUInt32BE(n, i * 4));
  return buffer;
}

function chunk(type: string, ...data: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), ...data]);
  return Buffer.concat([numbers(body.length - 4), body, numbers(crc32(body))]);
}
