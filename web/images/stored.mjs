/** Lossless pixels without a model: samples that are stored, and samples as lossless WebP. */

import { FormatError } from '../bitstream/errors.mjs'
import { inflate } from '../compression/inflate.mjs'
import { decodeVp8l } from '../compression/vp8l.mjs'

/** Samples of a pixel, by mode. */
export const CHANNELS = { 1: 1, L: 1, LA: 2, RGB: 3, RGBA: 4, P: 1, PA: 2 }
const SHIFTS = { 1: [8], 2: [8, 24], 3: [16, 8, 0], 4: [16, 8, 0, 24] }
const NAME = 'the pixels'

/** Returns the samples of a section of the kind `stored`. */
export function unstore(section, { width, height, mode, deep }) {
  const row = mode === '1' ? Math.ceil(width / 8) : width * CHANNELS[mode] * (deep ? 2 : 1)
  const form = section[0]
  const body = form ? inflate(section.subarray(1), height * row, NAME) : section.subarray(1)
  if (form > (deep ? 4 : 1) || body.length !== height * row) throw new FormatError('the pixels are not valid')
  if (deep) return deepSamples(form, body, width * CHANNELS[mode], CHANNELS[mode])
  return mode === '1' ? bits(body, width, height, row) : body
}

function bits(body, width, height, row) {
  const samples = new Uint8Array(width * height)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) samples[at] = (body[y * row + (x >> 3)] >> (7 - (x & 7))) & 1 ? 255 : 0
  }
  return samples
}

function deepSamples(form, body, row, channels) {
  const count = body.length / 2
  const samples = new Uint16Array(count)
  const [step, apart] = form < 2 ? [2, 1] : [1, count]
  for (let i = 0; i < count; i++) samples[i] = body[i * step] + 256 * body[i * step + apart]
  if (form === 3 || form === 4) for (let i = row; i < count; i++) samples[i] += samples[i - row]
  if (form === 2 || form === 4) for (let i = 0; i < count; i++) if (i % row >= channels) samples[i] += samples[i - channels]
  return samples
}

/** Returns the samples of a section of the kind `webp`. */
export function fromWebp(section, { width, height, mode }) {
  const pixels = decodeVp8l(section, width, height, NAME)
  const shifts = SHIFTS[CHANNELS[mode]]
  const samples = new Uint8Array(pixels.length * shifts.length)
  for (let i = 0, to = 0; i < pixels.length; i++) for (const shift of shifts) samples[to++] = (pixels[i] >>> shift) & 255
  return samples
}
