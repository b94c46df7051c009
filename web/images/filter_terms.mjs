/** The terms of the adaptive filter, and what they add to an image, in integers or in floats. */

const { floor, max, min } = Math
/** The terms of a pixel, for each of three outputs. */
export const TERMS = 62
/** The side of the smallest regions. */
export const SQUARE = 256
const RADIUS = 8
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

/**
 * How terms are computed: all numbers of planes and terms fit `Numbers`.
 * @typedef {object} Arithmetic
 * @property {typeof Int32Array | typeof Float32Array} Numbers
 * @property {((red: number, green: number, blue: number) => number)[]} planes
 * @property {(sum: number, count: number) => number} mean
 * @property {(x: number) => number} bounded
 * @property {(a: number, b: number) => number} product Of a term and a mean.
 * @property {(sum: number) => number} line Divides a sum of 3x3 pixels.
 * @property {(levels: ArrayLike<number>, at: number, c0: number, c1: number, c2: number, out: Uint8Array,
 *   precision: number) => void} pixel Writes a pixel, given its three outputs in steps of 2^-precision.
 */

/**
 * Returns the pixels of levels about 128, three for each pixel, with what a filter adds.
 * @param {ArrayLike<number>} levels
 * @param {number} width
 * @param {number} height
 * @param {ReturnType<import('./adaptive_filter.mjs').readFilter>} filter
 * @param {Arithmetic} arithmetic
 */
export function filteredBy(levels, width, height, filter, arithmetic) {
  const out = new Uint8Array(levels.length)
  for (let top = 0; top < height; top += SQUARE) {
    for (let left = 0; left < width; left += SQUARE) {
      const square = { top, left, rows: min(SQUARE, height - top), columns: min(SQUARE, width - left) }
      const place = floor(top / filter.side) * filter.columns + floor(left / filter.side)
      correct({ levels, width, height }, square, filter.regions[place], filter.precision, arithmetic, out)
    }
  }
  return out
}

function correct(image, square, coefficients, precision, arithmetic, out) {
  const used = coefficients.some((output) => output.some((value) => value))
  const sums = used ? weighted(planesOf(image, square, arithmetic), square, coefficients, arithmetic) : null
  for (let y = 0, i = 0; y < square.rows; y++) {
    let at = 3 * ((square.top + y) * image.width + square.left)
    for (let x = 0; x < square.columns; x++, i++, at += 3) {
      if (sums) arithmetic.pixel(image.levels, at, sums[0][i], sums[1][i], sums[2][i], out, precision)
      else arithmetic.pixel(image.levels, at, 0, 0, 0, out, precision)
    }
  }
}

/** Returns the three planes of a square and of the pixels around it; the border repeats. */
function planesOf({ levels, width, height }, { top, left, rows, columns }, { Numbers, planes }) {
  const wide = columns + 2 * RADIUS
  const found = planes.map(() => new Numbers((rows + 2 * RADIUS) * wide))
  for (let y = -RADIUS, to = 0; y < rows + RADIUS; y++) {
    const line = min(max(top + y, 0), height - 1) * width
    for (let x = -RADIUS; x < columns + RADIUS; x++, to++) {
      const at = 3 * (line + min(max(left + x, 0), width - 1))
      const [r, g, b] = [levels[at], levels[at + 1], levels[at + 2]]
      for (let k = 0; k < 3; k++) found[k][to] = planes[k](r, g, b)
    }
  }
  return found
}

/** Returns, for each output, the sums of a square's terms times its coefficients. */
function weighted(planes, square, coefficients, arithmetic) {
  const count = square.rows * square.columns
  const sums = coefficients.map(() => new Float64Array(count))
  const found = new arithmetic.Numbers(count)
  let term = 0
  const add = (write) => {
    const used = [0, 1, 2].filter((k) => coefficients[k][term])
    if (used.length) write(found)
    for (const k of used) {
      const factor = coefficients[k][term]
      for (let i = 0; i < count; i++) sums[k][i] += factor * found[i]
    }
    term++
  }
  for (const window of [3, 5, 17]) for (const write of termsOf(planes, square, window, arithmetic)) add(write)
  for (const write of linesOf(planes[0], square, arithmetic)) add(write)
  return sums
}

/** Yields what writes the terms of a window, in the order of their coefficients. */
function* termsOf(planes, square, window, { Numbers, mean, bounded, product }) {
  const found = planes.map((plane) => detailAndMean(plane, square, window, Numbers, mean))
  const [{ detail }] = found
  for (const { detail } of found) {
    yield (out) => {
      for (let i = 0; i < out.length; i++) out[i] = bounded(detail[i])
    }
  }
  for (const { detail } of found) {
    for (const { mean } of found) {
      yield (out) => {
        for (let i = 0; i < out.length; i++) out[i] = product(detail[i], mean[i])
      }
    }
  }
  for (const [a, b] of PAIRS) {
    const [first, second] = [found[a].mean, found[b].mean]
    yield (out) => {
      for (let i = 0; i < out.length; i++) out[i] = product(product(detail[i], first[i]), second[i])
    }
  }
}

/** Returns the mean of the window around every pixel of a square, and the pixel's difference from it. */
function detailAndMean(plane, { rows, columns }, window, Numbers, meanOf) {
  const wide = columns + 2 * RADIUS
  const half = (window - 1) / 2
  const [mean, detail] = [0, 1].map(() => new Numbers(rows * columns))
  const lines = new Float64Array(wide)
  for (let y = -1; y < rows; y++) {
    const top = (y + RADIUS - half) * wide
    if (y < 0) for (let i = 1; i < window; i++) for (let x = 0; x < wide; x++) lines[x] += plane[(RADIUS - half + i - 1) * wide + x]
    else {
      for (let x = 0; x < wide; x++) lines[x] += plane[top + (window - 1) * wide + x]
      let sum = 0
      for (let x = RADIUS - half; x < RADIUS + half; x++) sum += lines[x]
      for (let x = 0, at = y * columns; x < columns; x++, at++) {
        sum += lines[x + RADIUS + half]
        mean[at] = meanOf(sum, window * window)
        detail[at] = plane[(y + RADIUS) * wide + x + RADIUS] - mean[at]
        sum -= lines[x + RADIUS - half]
      }
      for (let x = 0; x < wide; x++) lines[x] -= plane[top + x]
    }
  }
  return { mean, detail }
}

/** Yields what writes the sums of 3x3 pixels with weights that are products of two lines, without the first pair. */
function* linesOf(plane, { rows, columns }, { line }) {
  const wide = columns + 2 * RADIUS
  for (const a of LINES) {
    for (const b of LINES) {
      if (a === LINES[0] && b === LINES[0]) continue
      const across = (at) => b[0] * plane[at] + b[1] * plane[at + 1] + b[2] * plane[at + 2]
      yield (out) => {
        for (let y = 0, to = 0; y < rows; y++) {
          const from = (y + RADIUS - 1) * wide + RADIUS - 1
          for (let at = from; at < from + columns; at++, to++) {
            out[to] = line(a[0] * across(at) + a[1] * across(at + wide) + a[2] * across(at + 2 * wide))
          }
        }
      }
    }
  }
}
