/** From coefficients to samples of blocks, in units of sigma: the inverse pyramid, cosine transform and rotation. */

import { finerMeans, lapAcross, lapAlong, lapOf } from '../light/inverse.mjs'
import { COEFFICIENTS } from '../light/layout.mjs'
import { FREQUENCY_SCALES, borders } from '../light/transform.mjs'

const { cos, floor, sqrt, PI } = Math
/** Rows of frequencies, of each the eight samples. */
const DCT = Float64Array.from({ length: 64 }, (_, at) => {
  const [i, x] = [at >> 3, at & 7]
  return cos(((2 * x + 1) * i * PI) / 16) / (i ? 2 : sqrt(8))
})
const [THIRD, HALF, SIXTH] = [1 / sqrt(3), 1 / sqrt(2), 1 / sqrt(6)]

/** The scales of the coefficients of the lapped pyramid, in the order of their numbers. */
const PYRAMID = { 16: [176, 176, 142], 32: [217, 217, 199], 64: [237, 237, 227, 246] }
const lap = lapOf(borders((x) => x), (sum) => sum)

/**
 * Returns the samples of all blocks, 192 for each by colour, row and column.
 * @param {Record<number, Float32Array>} planes The coefficients by stride, position by position.
 * @param {Record<number, {rows: number, columns: number}>} sizes
 * @param {boolean} lapped Whether blocks overlap.
 */
export function samplesOf(planes, sizes, lapped) {
  const own = lapped ? unscaled(planes) : planes
  const out = own[8].slice()
  const means = blockMeans(own, sizes)
  for (let at = 0, from = 0; at < out.length; at += 192, from += 3) {
    for (let c = 0; c < 3; c++) {
      out[at + 64 * c] = means[from + c]
      square(out, at + 64 * c)
    }
    rotate(out, at)
  }
  if (lapped) unlap(out, sizes[8])
  return out
}

/** Returns coefficients of a lapped transform divided by their scales. */
function unscaled(planes) {
  const found = {}
  for (const stride of [64, 32, 16]) {
    const width = COEFFICIENTS[stride]
    found[stride] = planes[stride].map((value, at) => (value * 256) / PYRAMID[stride][floor((at % width) / 3)])
  }
  const scale = (number) => 65536 / (FREQUENCY_SCALES[(number >> 3) & 7] * FREQUENCY_SCALES[number & 7])
  found[8] = planes[8].map((value, at) => value * scale(at % 192))
  return found
}

/** Applies the inverse of the lapped transform's map across the borders of blocks. */
function unlap(samples, { rows, columns }) {
  const row = (y) => samples.subarray(192 * columns * y, 192 * columns * (y + 1))
  for (let y = 0; y < rows; y++) lapAlong(row(y), columns, lap)
  for (let y = 1; y < rows; y++) lapAcross(row(y - 1), row(y), lap)
}

/** Returns the means of all blocks, three for each. */
function blockMeans(planes, sizes) {
  const top = planes[64]
  let means = Float64Array.from({ length: top.length / 4 }, (_, at) => top[floor(at / 3) * 12 + 9 + (at % 3)])
  for (const stride of [64, 32, 16]) {
    means = finerMeans(means, planes[stride], COEFFICIENTS[stride], sizes[stride], sizes[stride / 2])
  }
  return means
}

const ROWS = new Float64Array(64)

/** Replaces the 64 frequencies of a square by its samples; a square of zeros and a mean is even. */
function square(block, from) {
  let last = 63
  while (last > 0 && !block[from + last]) last--
  if (!last) {
    block.fill(block[from] / 8, from, from + 64)
    return
  }
  for (let i = 0; i < 8; i++) along(block, from + 8 * i, 1, ROWS, 8 * i, 1)
  for (let x = 0; x < 8; x++) along(ROWS, x, 8, block, from + x, 8)
}

/** Writes the eight samples of eight frequencies. */
function along(source, from, step, target, to, toStep) {
  for (let x = 0; x < 8; x++) {
    let sum = 0
    for (let i = 0; i < 8; i++) sum += DCT[8 * i + x] * source[from + i * step]
    target[to + x * toStep] = sum
  }
}

/** Rotates the colours of a block to red, green and blue. */
function rotate(block, at) {
  for (let i = at; i < at + 64; i++) {
    const [y, u, v] = [THIRD * block[i], HALF * block[i + 64], SIXTH * block[i + 128]]
    block[i] = y + u + v
    block[i + 64] = y - 2 * v
    block[i + 128] = y - u + v
  }
}
