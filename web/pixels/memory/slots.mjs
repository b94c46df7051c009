/** Colours so far: values of the last plane, by what the planes before say, are candidates for a pixel. */

import { FormatError } from '../../bitstream/errors.mjs'

const { abs, floor, max, min } = Math
/** What all frequencies sum to. */
export const TOTAL = 2 ** 24
const TOKENS = 63
const MIDDLE = 31
const DIRECT = 20
const SLOTS = 8
/** The symbol that says that no candidate is right. */
export const NONE = SLOTS
const PAIRS = 2 ** 16
const EMPTY = 2 ** 14
const ALL = TOTAL - (SLOTS + 3)
const PLAIN = TOTAL - (TOKENS + 2)
const PARTS = 2 ** 28
const FACTORS = Float64Array.from({ length: 256 }, (_, n) => floor(Math.sqrt(256 * n)))
const ODDS = 25
const TIMES = 10
const HALF = 12

/** Returns the error of slots that belong to no symbol. */
export function fault() {
  return new FormatError('the symbols of a chunk are not valid')
}

const bits = new DataView(new ArrayBuffer(8))

/** Returns the whole number e with 2^(e-1) <= x < 2^e. */
function octave(x) {
  bits.setFloat64(0, x)
  return ((bits.getUint32(0) >>> 20) & 0x7ff) - 1022
}

/** The colours of a strip so far. */
export class ColourMemory {
  /** @param {Int32Array} weights The rows of the network's distributions, one after the other. */
  constructor(weights) {
    this.weights = weights
    this.values = new Int16Array(PAIRS * SLOTS).fill(EMPTY)
    this.counts = new Uint8Array(PAIRS * SLOTS)
    this.next = new Uint8Array(PAIRS)
    this.seen = new Uint32Array(PAIRS)
    this.steps = 0
    this.right = new Float64Array(ODDS * TIMES)
    this.wrong = new Float64Array(ODDS * TIMES)
    for (let at = 0; at < ODDS * TIMES; at++) {
      const steps = 2 ** floor(at / TIMES)
      this.right[at] = floor((128 * steps) / (steps + 2 ** HALF)) + 1
      this.wrong[at] = 130 - this.right[at]
    }
    this.rows = new Float64Array(SLOTS)
  }

  /**
   * Pops a symbol for each pixel of a step that has candidates.
   * @returns {{asked: number[], symbols: Uint16Array}} Which pixels these are, and their slots, or NONE.
   */
  candidates(stack, { count, contexts, middles, keys }) {
    const asked = []
    const symbols = []
    this.where = []
    for (let i = 0; i < count; i++) {
      const symbol = this.candidate(stack, contexts[i] * TOKENS + MIDDLE, middles[i], keys[i] * SLOTS)
      if (symbol < 0) continue
      asked.push(i)
      symbols.push(symbol)
    }
    return { asked, symbols: Uint16Array.from(symbols) }
  }

  candidate(stack, row, middle, first) {
    const { weights, values, counts, rows } = this
    let shares = 0
    let sum = 0
    let times = 0
    for (let s = 0; s < SLOTS; s++) {
      const distance = values[first + s] - middle
      const weight = abs(distance) <= DIRECT ? weights[row + distance] : 0
      rows[s] = weight * FACTORS[counts[first + s]]
      shares += rows[s]
      sum += weight
      times += counts[first + s]
    }
    if (!shares) return -1
    const odds = max(0, min(octave(sum / max(PLAIN - sum, 1)) + HALF, ODDS - 1))
    const context = odds * TIMES + min(32 - Math.clz32(times), TIMES - 1)
    this.where.push(context)
    const share = floor((2 ** 16 * this.right[context]) / (this.right[context] + this.wrong[context]))
    return this.pop(stack, floor((max(2 ** 5, min(share, 2 ** 16 - 2 ** 5)) * ALL * 2 ** 12) / shares))
  }

  pop(stack, scale) {
    const slot = stack.lower
    if (slot === 0 || slot === TOTAL - 1) throw fault()
    let start = 1
    for (let s = 0; s < SLOTS; s++) {
      const end = start + floor((this.rows[s] * scale) / PARTS) + 1
      if (slot < end) {
        stack.pop(start, end - start)
        return s
      }
      start = end
    }
    stack.pop(start, TOTAL - 1 - start)
    return NONE
  }

  /** Returns the residual of a candidate. */
  residual(key, slot, middle) {
    return this.values[key * SLOTS + slot] - middle
  }

  /** Learns the symbols of the step that were popped last, and the values of all its pixels. */
  learn(symbols, { count, middles, keys }, residuals) {
    this.judge(symbols)
    const { values, counts, next, seen } = this
    const cells = new Int32Array(count)
    const raised = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      const first = keys[i] * SLOTS
      let s = 0
      while (s < SLOTS && values[first + s] !== middles[i] + residuals[i]) s++
      cells[i] = s < SLOTS ? first + s : -1
      raised[i] = s < SLOTS ? min(counts[first + s], 254) + 1 : 0
    }
    for (let i = 0; i < count; i++) if (cells[i] >= 0) counts[cells[i]] = raised[i]
    this.steps++
    for (let i = 0; i < count; i++) {
      if (cells[i] >= 0 || seen[keys[i]] === this.steps) continue
      seen[keys[i]] = this.steps
      const cell = keys[i] * SLOTS + next[keys[i]]
      values[cell] = middles[i] + residuals[i]
      counts[cell] = 1
      next[keys[i]] = (next[keys[i]] + 1) % SLOTS
    }
  }

  /** Counts how often candidates were right. */
  judge(symbols) {
    const { where, right, wrong } = this
    where.forEach((context, i) => (symbols[i] === NONE ? (wrong[context] += 64) : (right[context] += 64)))
    for (const context of new Set(where)) {
      if (right[context] + wrong[context] <= 2 ** 20) continue
      right[context] = floor((right[context] + 1) / 2)
      wrong[context] = floor((wrong[context] + 1) / 2)
    }
  }
}
