/** From samples to pixels of three colours. */

import { filtered } from './adaptive_filter.mjs'

const { ceil, floor, min } = Math

/**
 * An image of three colours.
 * @typedef {{width: number, height: number, pixels: Uint8Array}} Colours
 */

function bytes(width, height) {
  return new Uint8Array(3 * width * height)
}

/** Returns a whole number within the bounds of a pixel. */
export function byte(x) {
  return x < 0 ? 0 : x > 255 ? 255 : x
}

/** Returns the pixels of samples and of what the post-filter adds to them, after the adaptive filter if there is one. */
export function pixelsOf(samples, pass, sigma, added, filter, onProgress) {
  const { width, height } = pass.settings
  const shown = filter ? new Int16Array(3 * width * height) : bytes(width, height)
  const convert = filter ? (y) => limited(floor((y * sigma) / 4096 + 0.5)) : (y) => byte(floor((y * sigma) / 65536 + 128.5))
  show(samples, pass, added, { shown, convert, onProgress })
  return { width, height, pixels: filter ? filtered(shown, width, height, filter) : shown }
}

/**
 * Places samples in an image.
 * @param {Int16Array | Float32Array} samples 192 for each block, by colour, row and column.
 * @param {object} pass
 * @param {((use: (row: number, more: ArrayLike<number>) => void) => void) | null} added Makes what is added to each row
 *   of blocks, if something is.
 * @param {{shown: ArrayLike<number>, convert: (y: number) => number, onProgress: (share: number) => void}} how
 */
export function show(samples, { settings, sizes }, added, { shown, convert, onProgress }) {
  const { width, height } = settings
  const { rows, columns } = sizes[8]
  const use = (row, more) => {
    const lines = linesOf(samples, 192 * row * columns, more, columns)
    place(lines, shown, { width, top: 8 * row, bottom: min(8 * row + 8, height), columns, convert })
    onProgress((row + 1) / rows)
  }
  if (added) added(use)
  else for (let row = 0; row < rows; row++) use(row, null)
}

function limited(level) {
  return level < -8192 ? -8192 : level > 8192 ? 8192 : level
}

/** Returns the samples of a row of blocks, with what the post-filter adds, as lines of three colours. */
function linesOf(samples, from, added, columns) {
  const lines = new Float64Array(192 * columns)
  for (let b = 0, at = 0; b < columns; b++) {
    for (let line = 0; line < 24; line++) {
      for (let x = 0, to = 8 * (line * columns + b); x < 8; x++, at++, to++) {
        lines[to] = samples[from + at] + (added ? added[at] : 0)
      }
    }
  }
  return lines
}

/** Places a row of blocks in an image. */
function place(lines, out, { width, top, bottom, columns, convert }) {
  for (let y = top; y < bottom; y++) {
    for (let x = 0, to = 3 * y * width; x < width; x++) {
      for (let line = y - top; line < 24; line += 8, to++) out[to] = convert(lines[8 * line * columns + x])
    }
  }
}

/** Returns the pixels at an eighth of the size, from the blocks' means alone. */
export function meanPixels(inverse, sigma) {
  const { rows, columns } = inverse.pass.sizes[8]
  const pixels = Uint8Array.from(inverse.meanSamples(), (x) => byte(floor((x * sigma) / 65536 + 128.5)))
  return { width: columns, height: rows, pixels }
}

/** Returns the pixels at a half or a quarter of the size: means of squares of samples. */
export function smallerPixels(samples, pass, side, sigma) {
  return squares(samples, pass, side, (sum, count) => {
    return byte(floor((floor((2 * sum + count) / (2 * count)) * sigma) / 65536 + 128.5))
  })
}

/** Returns the pixels at 1/side of the size; `convert` makes a pixel of a sum of samples and of their number. */
export function squares(samples, pass, side, convert) {
  const { width, height } = pass.settings
  const { columns } = pass.sizes[8]
  const found = { width: ceil(width / side), height: ceil(height / side), pixels: null }
  found.pixels = bytes(found.width, found.height)
  for (let y = 0, to = 0; y < found.height; y++) {
    const down = min(side, height - y * side)
    for (let x = 0; x < found.width; x++) {
      const across = min(side, width - x * side)
      const block = 192 * (((y * side) >> 3) * columns + ((x * side) >> 3)) + 8 * ((y * side) & 7) + ((x * side) & 7)
      for (let c = 0; c < 3; c++, to++) {
        let sum = 0
        for (let i = 0; i < down; i++) for (let j = 0; j < across; j++) sum += samples[block + 64 * c + 8 * i + j]
        found.pixels[to] = convert(sum, down * across)
      }
    }
  }
  return found
}
