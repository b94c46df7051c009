/** Decoded pictures: samples with what they mean, and what a screen shows of them. */

import { CHANNELS } from './stored.mjs'

/**
 * A decoded picture.
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {string} mode 1, L, LA, RGB, RGBA, P or PA.
 * @property {Uint8Array | Uint16Array} samples In raster order, the channels of a pixel one after the other.
 * @property {number} [white] The largest value that a sample may have: 255, or more.
 * @property {ReturnType<import('./palette.mjs').readPalette>} [palette]
 */

/** Returns a picture of grey or colour pixels (three colours each) and perhaps alpha, in one of four modes. */
export function pictureOf({ width, height, pixels }, grey, alpha = null) {
  const mode = (grey ? 'L' : 'RGB') + (alpha ? 'A' : '')
  const samples = new Uint8Array(width * height * CHANNELS[mode])
  for (let i = 0, at = 0, to = 0; i < width * height; i++, at += 3) {
    if (grey) samples[to++] = Math.floor((pixels[at] + pixels[at + 1] + pixels[at + 2] + 1) / 3)
    else for (let c = 0; c < 3; c++) samples[to++] = pixels[at + c]
    if (alpha) samples[to++] = alpha[i]
  }
  return { width, height, mode, samples }
}

/**
 * Returns what a screen shows of a picture: red, green, blue and alpha of 8 bits.
 * @param {Picture} picture
 */
export function toRgba({ width, height, mode, samples, white = 255, palette = null }) {
  const out = new Uint8ClampedArray(4 * width * height)
  const channels = CHANNELS[mode]
  const colour = mode.startsWith('P') ? indexed(palette) : direct(mode, white, palette)
  const alpha = channels === 2 || channels === 4
  for (let at = 0, to = 0; to < out.length; at += channels, to += 4) {
    colour(samples, at, out, to)
    if (alpha) out[to + 3] = scaled(samples[at + channels - 1], white)
  }
  return out
}

function scaled(sample, white) {
  return white === 255 ? sample : Math.floor((sample * 255 + white / 2) / white)
}

function direct(mode, white, palette) {
  const steps = mode.startsWith('RGB') ? [0, 1, 2] : [0, 0, 0]
  const key = palette?.key ?? null
  const hidden = (samples, at) => key !== null && key.every((value, c) => samples[at + c] === value)
  return (samples, at, out, to) => {
    for (let c = 0; c < 3; c++) out[to + c] = scaled(samples[at + steps[c]], white)
    out[to + 3] = hidden(samples, at) ? 0 : 255
  }
}

function indexed({ width, entries, key, table }) {
  return (samples, at, out, to) => {
    const index = samples[at]
    for (let c = 0; c < 3; c++) out[to + c] = entries[index * width + c] ?? 0
    const own = width === 4 ? (entries[index * width + 3] ?? 255) : 255
    out[to + 3] = key && key[0] === index ? 0 : table && index < table.length ? table[index] : own
  }
}
