/** The adaptive filter of the light photograph network, in integers: levels are in steps of 2^-4. */

import { filteredBy } from '../images/filter_terms.mjs'

const { floor, max, min } = Math

function bounded(x) {
  return max(-32767, min(32767, x))
}

function byte(level) {
  return max(0, min(255, ((level + 8) >> 4) + 128))
}

const INTEGERS = {
  Numbers: Int32Array,
  planes: [
    (r, g, b) => (148 * (r + g + b) + 128) >> 8,
    (r, g, b) => (181 * (r - b) + 128) >> 8,
    (r, g, b) => (105 * r - 209 * g + 105 * b + 128) >> 8,
  ],
  mean: (sum, count) => floor((2 * sum + count) / (2 * count)),
  bounded,
  product: (a, b) => bounded(floor(a * b * 2 ** -11 + 0.5)),
  line: (sum) => (sum + 8) >> 4,
  pixel(levels, at, c0, c1, c2, out, precision) {
    const step = 2 ** -(8 + precision)
    out[at] = byte(levels[at] + floor(step * (148 * c0 + 181 * c1 + 105 * c2) + 0.5))
    out[at + 1] = byte(levels[at + 1] + floor(step * (148 * c0 - 209 * c2) + 0.5))
    out[at + 2] = byte(levels[at + 2] + floor(step * (148 * c0 - 181 * c1 + 105 * c2) + 0.5))
  },
}

/** Returns the pixels of levels with what a filter adds. */
export function filtered(levels, width, height, filter) {
  return filteredBy(levels, width, height, filter, INTEGERS)
}
