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

function byte(x) {
  return x < 0 ? 0 : x > 255 ? 255 : x
}

/** Returns the pixels of samples and of what the post-filter adds to them, after the adaptive filter if there is one. */
export function pixelsOf(samples, pass, sigma, added, filter, onProgress) {
  const { width, height } = pass.settings
  const { rows, columns } = pass.sizes[8]
  const shown = filter ? new Int16Array(3 * width * height) : bytes(width, height)
  const convert = filter ? (y) => limited(floor((y * sigma) / 4096 + 0.5)) : (y) => byte(floor((y * sigma) / 65536 + 128.5))
  const show = (row, more) => {
    const right = { width, top: 8 * row, bottom: min(8 * row + 8, height), columns, convert }
    place(samples, 192 * row * columns, more, shown, right)
    onProgress((row + 1) / rows)
  }
  if (added) added(show)
  else for (let row = 0; row < rows; row++) show(row, null)
  return { width, height, pixels: filter ? filtered(shown, width, height, filter) : shown }
}

function limited(level) {
  return level < -8192 ? -8192 : level > 8192 ? 8192 : level
}

/** Places a row of blocks in an image. */
function place(samples, from, added, out, { width, top, bottom, columns, convert }) {
  for (let b = 0; b < columns; b++, from += 192) {
    const right = min(8, width - 8 * b)
    for (let y = top; y < bottom; y++) {
      const line = 8 * (y - top)
      for (let x = 0, to = 3 * (y * width + 8 * b); x < right; x++) {
        for (let c = 0; c < 3; c++, to++) {
          const at = 64 * c + line + x
          out[to] = convert(samples[from + at] + (added ? added[192 * b + at] : 0))
        }
      }
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
        const count = down * across
        found.pixels[to] = byte(floor((floor((2 * sum + count) / (2 * count)) * sigma) / 65536 + 128.5))
      }
    }
  }
  return found
}
