// node example.mjs RECORDING [window]: a logit a line, every 10 ms or for each window. The recording
// is raw: 16 kHz, one channel, 16 bits, little-endian.
import { readFileSync } from "node:fs";

import { HOP, load, WINDOW } from "./atomicvad.mjs";

const [recording, form] = process.argv.slice(2);
const detector = await load(readFileSync(new URL("atomicvad.wasm", import.meta.url)));
const bytes = readFileSync(recording);
const samples = Int16Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(2 * i));
const [length, decide] = form === "window" ? [WINDOW, detector.window] : [HOP, detector.push];
for (let at = 0; at + length <= samples.length; at += length) {
  console.log(decide(samples.subarray(at, at + length)));
}
