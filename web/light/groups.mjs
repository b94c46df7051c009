/** Groups of coefficients: their priors as rows of the shared table, and the codes of their symbols. */

import { LightMap, Vector } from './maps.mjs'

/** The largest magnitude of a symbol. */
export const MOST = 8714
/** The numbers that a coefficient's code has. */
export const ENCODING = 4

const CODES = new Int16Array(ENCODING * (2 * MOST + 1))
for (let n = -MOST, at = 0; n <= MOST; n++, at += ENCODING) {
  const logarithm = Math.floor(16 * Math.log2(1 + Math.abs(n)) + 0.5)
  CODES.set([logarithm * Math.sign(n), logarithm, 16 * Math.abs(Math.sign(n)), 16 * Math.sign(n)], at)
}

/** Writes the code of a symbol. */
export function encode(symbol, out, at) {
  const from = ENCODING * (symbol + MOST)
  out[at] = CODES[from]
  out[at + 1] = CODES[from + 1]
  out[at + 2] = CODES[from + 2]
  out[at + 3] = CODES[from + 3]
}

const { fround, floor } = Math

/** A group's maps. */
export class Group {
  /**
   * Takes a group's tensors.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {import('../weights/safetensors.mjs').Tensors} tensors
   * @param {number[]} coefficients Their numbers among those of the stride.
   * @param {number} hidden Features of a position.
   */
  constructor(machine, tensors, coefficients, hidden) {
    this.coefficients = coefficients
    this.head = new LightMap(machine, tensors.below('prior_head'), hidden)
    this.scale = new Vector(tensors.below('scale'))
    const map = (name) =>
      tensors.has(name) ? new LightMap(machine, tensors.below(name), ENCODING * coefficients.length) : null
    this.embedding = map('symbol_embedding')
    this.neighbours = map('neighbour_embedding')
    // The kernel's sums have no biases: these are added in floats.
    machine.integers(this.head.biases, this.head.padded).fill(0)
  }

  /** Returns the biases of the prior head at a quality, as floats of 32 bits. */
  biases(setting) {
    const count = this.coefficients.length
    const added = this.scale.at(setting)
    return Float32Array.from(this.head.bias, (bias, o) => {
      const g = o - count
      return g < 0 || g >= count ? bias : bias + floor(added[g] * 2 ** (this.head.shift[o] - 5) + 0.5)
    })
  }

  /** Returns what turns a position's sums into locations and contexts, which are adjusted. */
  prior(setting, adjustments) {
    return new Prior(this.coefficients.length, this.biases(setting), this.head.shift, adjustments)
  }
}

/** Turns sums of a prior head into locations and rows of the shared table. */
class Prior {
  constructor(count, biases, shift, adjustments) {
    this.count = count
    this.adjustments = adjustments
    this.biases = biases
    const steps = [1, -1, -3]
    this.scales = Float64Array.from(shift, (f, o) => 2 ** (steps[floor(o / count)] - f))
  }

  /**
   * Writes the location and the context of each coefficient at one position.
   * @param {Int32Array} sums
   * @param {number} at Where the position's sums begin.
   * @param {Int32Array} locations Coefficient by coefficient, `stride` numbers apart, from `place` on.
   * @param {Uint16Array} contexts Likewise.
   */
  write(sums, at, locations, contexts, place, stride) {
    const { count, biases, scales, adjustments } = this
    for (let g = 0; g < count; g++, place += stride) {
      const output = (o) => fround(sums[at + o] + biases[o]) * scales[o]
      const e = clamp(floor(fround(output(g) + 0.5)), -8 * MOST, 8 * MOST)
      const scale = clamp(clamp(floor(fround(output(g + count) + 0.5)), -20, 28) + 20 + adjustments[0], 0, 48)
      const tail = clamp(clamp(floor(fround(output(g + 2 * count) + 0.5)), -8, 3) + 8 + adjustments[1], 0, 11)
      const location = (e + 4) >> 3
      locations[place] = location
      contexts[place] = 8 * (49 * tail + scale) + e - 8 * location + 4
    }
  }
}

/** Returns the number between two bounds that is nearest to x. */
export function clamp(x, least, most) {
  return x < least ? least : x > most ? most : x
}
