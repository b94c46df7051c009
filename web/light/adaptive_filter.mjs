/** The adaptive filter, in integers: its coefficients in the file, its terms and what they add to the image. */

import { FormatError } from '../bitstream/errors.mjs'
import { ChunkDecoder, Tables, even } from '../entropy/rans.mjs'

const { ceil, floor, max, min } = Math
const TERMS = 62
const STEPS = 511
const RADIUS = 8
const SQUARE = 256
const PAIRS = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 1],
  [1, 2],
  [2, 2],
]
const LINES = [
  [1, 2, 1],
  [-2, 0, 2],
  [-1, 2, -1],
]

const DENSITIES = even(5)
const TABLES = new Tables(weightsOfSteps(), STEPS)

function weightsOfSteps() {
  const total = 2 ** 24 - (STEPS + 2)
  const shape = Array.from({ length: STEPS }, (_, k) => (k === 255 ? 0 : floor(2 ** 24 / (Math.abs(k - 255) + 6) ** 2)))
  const sum = shape.reduce((a, b) => a + b)
  return [1, 3, 6, 11].flatMap((share) => {
    const row = shape.map((value) => floor((value * floor((total * share) / 16)) / sum))
    row[255] = total - row.reduce((a, b) => a + b)
    return row
  })
}

/** Returns the side of the regions, the precision and the coefficients of a file's filter. */
export function readFilter(section, width, height) {
  try {
    return read(section, width, height)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new FormatError(`the adaptive filter is not valid: ${error.reason}`, error.hint)
  }
}

function read(section, width, height) {
  if (!section.length) throw new FormatError('it is empty')
  const [exponent, precision] = [section[0] & 15, section[0] >> 4]
  if (max(exponent, precision) > 12) throw new FormatError('this release does not know its kind', 'upgrade dvcodec')
  const side = SQUARE * 2 ** exponent
  const decoder = new ChunkDecoder(section.subarray(1))
  const columns = ceil(width / side)
  const regions = Array.from({ length: ceil(height / side) * columns }, () => {
    return [0, 1, 2].map(() => {
      const density = decoder.decodeRow(DENSITIES, 0, 1)[0]
      if (!density) return new Int32Array(TERMS)
      return Int32Array.from(decoder.decodeRow(TABLES, density - 1, TERMS), (symbol) => symbol - 255)
    })
  })
  decoder.finish()
  return { side, precision, columns, regions }
}

/** Returns the pixels of levels, three for each pixel in steps of 2^-4 about 128, with what a filter adds. */
export function filtered(levels, width, height, filter) {
  const out = new Uint8Array(levels.length)
  for (let top = 0; top < height; top += SQUARE) {
    for (let left = 0; left < width; left += SQUARE) {
      const square = { top, left, rows: min(SQUARE, height - top), columns: min(SQUARE, width - left) }
      const place = floor(top / filter.side) * filter.columns + floor(left / filter.side)
      correct(levels, width, height, square, filter.regions[place], filter.precision, out)
    }
  }
  return out
}

function correct(levels, width, height, square, coefficients, precision, out) {
  const used = coefficients.some((output) => output.some((value) => value))
  const sums = used ? weighted(planesOf(levels, width, height, square), square, coefficients) : null
  const scale = 2 ** -(8 + precision)
  const added = (a, b, c) => floor(scale * (a + b + c) + 0.5)
  for (let y = 0, i = 0; y < square.rows; y++) {
    let at = 3 * ((square.top + y) * width + square.left)
    for (let x = 0; x < square.columns; x++, i++, at += 3) {
      const [c0, c1, c2] = sums ? sums.map((sum) => sum[i]) : [0, 0, 0]
      out[at] = byte(levels[at] + added(148 * c0, 181 * c1, 105 * c2))
      out[at + 1] = byte(levels[at + 1] + added(148 * c0, 0, -209 * c2))
      out[at + 2] = byte(levels[at + 2] + added(148 * c0, -181 * c1, 105 * c2))
    }
  }
}

function byte(level) {
  return max(0, min(255, ((level + 8) >> 4) + 128))
}

/** Returns the three planes of a square and of the pixels around it; the border repeats. */
function planesOf(levels, width, height, { top, left, rows, columns }) {
  const wide = columns + 2 * RADIUS
  const planes = [0, 1, 2].map(() => new Int32Array((rows + 2 * RADIUS) * wide))
  for (let y = -RADIUS, to = 0; y < rows + RADIUS; y++) {
    const line = min(max(top + y, 0), height - 1) * width
    for (let x = -RADIUS; x < columns + RADIUS; x++, to++) {
      const at = 3 * (line + min(max(left + x, 0), width - 1))
      const [r, g, b] = [levels[at], levels[at + 1], levels[at + 2]]
      planes[0][to] = (148 * (r + g + b) + 128) >> 8
      planes[1][to] = (181 * (r - b) + 128) >> 8
      planes[2][to] = (105 * r - 209 * g + 105 * b + 128) >> 8
    }
  }
  return planes
}

/** Returns, for each output, the sums of a square's terms times its coefficients. */
function weighted(planes, square, coefficients) {
  const count = square.rows * square.columns
  const sums = coefficients.map(() => new Float64Array(count))
  const add = (term, values) => {
    coefficients.forEach((output, k) => {
      if (output[term]) for (let i = 0; i < count; i++) sums[k][i] += output[term] * values[i]
    })
  }
  let term = 0
  for (const window of [3, 5, 17]) for (const values of termsOf(planes, square, window)) add(term++, values)
  for (const values of linesOf(planes[0], square)) add(term++, values)
  return sums
}

function bounded(x) {
  return max(-32767, min(32767, x))
}

/** Divides a product by 2^11, rounded, within bounds. */
function product(a, b) {
  return bounded(floor(a * b * 2 ** -11 + 0.5))
}

/** Yields the terms of a window, in the order of their coefficients. */
function* termsOf(planes, square, window) {
  const found = planes.map((plane) => detailAndMean(plane, square, window))
  const make = (value) => Int32Array.from(found[0].mean, (_, i) => value(i))
  for (const { detail } of found) yield detail.map(bounded)
  for (const { detail } of found) for (const { mean } of found) yield make((i) => product(detail[i], mean[i]))
  const [{ detail }] = found
  for (const [a, b] of PAIRS) yield make((i) => product(product(detail[i], found[a].mean[i]), found[b].mean[i]))
}

/** Returns the mean of the window around every pixel of a square, and the pixel's difference from it. */
function detailAndMean(plane, { rows, columns }, window) {
  const wide = columns + 2 * RADIUS
  const half = (window - 1) / 2
  const mean = new Int32Array(rows * columns)
  const detail = new Int32Array(rows * columns)
  const lines = new Int32Array(wide)
  for (let y = -1; y < rows; y++) {
    const top = (y + RADIUS - half) * wide
    if (y < 0) for (let i = 1; i < window; i++) for (let x = 0; x < wide; x++) lines[x] += plane[(RADIUS - half + i - 1) * wide + x]
    else {
      for (let x = 0; x < wide; x++) lines[x] += plane[top + (window - 1) * wide + x]
      let sum = 0
      for (let x = RADIUS - half; x < RADIUS + half; x++) sum += lines[x]
      for (let x = 0, at = y * columns; x < columns; x++, at++) {
        sum += lines[x + RADIUS + half]
        mean[at] = floor((2 * sum + window * window) / (2 * window * window))
        detail[at] = plane[(y + RADIUS) * wide + x + RADIUS] - mean[at]
        sum -= lines[x + RADIUS - half]
      }
      for (let x = 0; x < wide; x++) lines[x] -= plane[top + x]
    }
  }
  return { mean, detail }
}

/** Yields the sums of 3x3 pixels with weights that are products of two lines, without the first pair. */
function* linesOf(plane, { rows, columns }) {
  const wide = columns + 2 * RADIUS
  for (const a of LINES) {
    for (const b of LINES) {
      if (a === LINES[0] && b === LINES[0]) continue
      const found = new Int32Array(rows * columns)
      for (let y = 0, to = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, to++) {
          let sum = 0
          for (let i = 0; i < 3; i++) {
            const at = (y + RADIUS - 1 + i) * wide + x + RADIUS - 1
            sum += a[i] * (b[0] * plane[at] + b[1] * plane[at + 1] + b[2] * plane[at + 2])
          }
          found[to] = (sum + 8) >> 4
        }
      }
      yield found
    }
  }
}
