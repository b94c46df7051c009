/** Counts of a plane's values so far, by what the planes before say: they change how likely each value is. */

import { TOTAL, fault } from './slots.mjs'

const { floor, min } = Math
const TOKENS = 63
const MIDDLE = 31
/** Levels from the mean within which values have counts. */
const DIRECT = 20
const WINDOW = 2 * DIRECT + 1
const FIRST = MIDDLE - DIRECT
const CELLS = 512
const ZERO = 256 + DIRECT
const MOST = 255
const ALL = TOTAL - (TOKENS + 2)
const PARTS = 2 ** 28
const FACTORS = Float64Array.from({ length: MOST + 1 }, (_, n) => floor(Math.sqrt(4096 * n)))
const UNSEEN = Array.from({ length: 41 }, (_, level) => floor(2 ** (level / 4)))
/** Of so many pixels of a step one is asked whether its value is new. */
const EVERY = 4

/** The counts of one plane of a strip. */
export class ValueMemory {
  /**
   * Starts without any counts.
   * @param {Int32Array} weights The rows of the network's distributions, one after the other.
   * @param {number} keys
   */
  constructor(weights, keys) {
    this.weights = weights
    this.counts = new Uint8Array(CELLS * keys + 2 * ZERO)
    this.level = 30
    this.came = this.expected = 0
    this.near = new Float64Array(WINDOW)
    this.row = new Float64Array(TOKENS)
  }

  /**
   * Pops the tokens of a step.
   * @param {import('../../entropy/rans.mjs').Stack} stack
   * @param {{count: number, contexts: Int32Array, middles: Int32Array, keys: Int32Array}} step
   */
  tokens(stack, { count, contexts, middles, keys }) {
    const symbols = new Uint16Array(count)
    this.cells = new Int32Array(count)
    this.likely = 0
    for (let i = 0; i < count; i++) {
      this.cells[i] = CELLS * keys[i] + middles[i] + ZERO
      symbols[i] = this.token(stack, contexts[i] * TOKENS, this.cells[i] - DIRECT, i % EVERY === 0)
    }
    return symbols
  }

  token(stack, row, cell, asked) {
    const { weights, counts, near } = this
    const unseen = UNSEEN[this.level]
    let total = 0
    let outer = ALL
    let free = 0
    for (let k = 0; k < WINDOW; k++) {
      const weight = weights[row + FIRST + k]
      const n = counts[cell + k]
      if (!n) free += weight
      outer -= weight
      near[k] = weight * (n ? FACTORS[n] : unseen)
      total += near[k]
    }
    total += outer * unseen
    if (asked) this.likely += floor(((free + outer) * 256 * unseen) / total)
    return this.pop(stack, row, floor((PARTS * ALL) / total), unseen)
  }

  /** Pops a token under the weights near the mean, and the plain ones elsewhere, both times a scale. */
  pop(stack, first, scale, unseen) {
    const { weights, near, row } = this
    let left = ALL
    for (let k = 0; k < TOKENS; k++) {
      const inside = k >= FIRST && k < FIRST + WINDOW
      const weight = inside ? near[k - FIRST] : weights[first + k] * unseen
      row[k] = floor((weight * scale) / PARTS)
      left -= row[k]
    }
    row[MIDDLE] += left
    const slot = stack.lower
    if (slot === 0 || slot === TOTAL - 1) throw fault()
    let start = 1
    for (let k = 0; ; k++) {
      const end = start + row[k] + 1
      if (slot < end) {
        stack.pop(start, end - start)
        return k
      }
      start = end
    }
  }

  /** Counts the values of the step whose tokens were popped last. */
  learn(residuals) {
    const { counts, cells } = this
    const raised = new Uint8Array(cells.length)
    let came = 0
    for (let i = 0; i < cells.length; i++) {
      const found = counts[cells[i] + residuals[i]] ?? 0
      raised[i] = min(found, MOST - 1) + 1
      if (i % EVERY === 0 && (!found || Math.abs(residuals[i]) > DIRECT)) came++
    }
    for (let i = 0; i < cells.length; i++) counts[cells[i] + residuals[i]] = raised[i]
    this.adapt(256 * came, this.likely)
  }

  adapt(came, expected) {
    this.came += came
    this.expected += expected
    if (this.came + this.expected < 2 ** 13) return
    if (4 * this.came > 5 * this.expected) this.level = min(this.level + 1, UNSEEN.length - 1)
    else if (5 * this.came < 4 * this.expected) this.level = Math.max(this.level - 1, 0)
    this.came = this.expected = 0
  }
}
