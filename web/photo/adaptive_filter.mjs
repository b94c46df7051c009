/** The adaptive filter of the photograph network, in floats: levels are grey levels less 128. */

import { filteredBy } from '../images/filter_terms.mjs'
import { byte } from '../light/rendering.mjs'

const { floor, sqrt } = Math
const [THIRD, HALF, SIXTH] = [1 / sqrt(3), 1 / sqrt(2), 1 / sqrt(6)]

const FLOATS = {
  Numbers: Float32Array,
  planes: [(r, g, b) => THIRD * (r + g + b), (r, g, b) => HALF * (r - b), (r, g, b) => SIXTH * (r - 2 * g + b)],
  mean: (sum, count) => sum / count,
  bounded: (x) => x,
  product: (a, b) => (a * b) / 128,
  line: (sum) => sum / 16,
  pixel(levels, at, c0, c1, c2, out, precision) {
    const step = 2 ** -precision
    const y = step * THIRD * c0
    const u = step * HALF * c1
    const v = step * SIXTH * c2
    out[at] = byte(floor(levels[at] + y + u + v + 128.5))
    out[at + 1] = byte(floor(levels[at + 1] + y - 2 * v + 128.5))
    out[at + 2] = byte(floor(levels[at + 2] + y - u + v + 128.5))
  },
}

/** Returns the pixels of levels with what a filter adds. */
export function filtered(levels, width, height, filter) {
  return filteredBy(levels, width, height, filter, FLOATS)
}
