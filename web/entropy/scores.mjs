/** Symbols under scores in bits, from which docs/FORMAT.md ("A layer's prior") makes the frequencies of the coder. */

import { SCORES } from '../kernels/scores.mjs'
import { FormatError } from '../bitstream/errors.mjs'

const { ceil, floor } = Math
const TOTAL = 2 ** 24
/** From this many steps of 2^-8 below the best score on, a symbol has the weight 0. */
const FARTHEST = 21 * 256
const POWERS = Int32Array.from({ length: FARTHEST }, (_, t) => floor(2 ** (20 - (t % 256) / 256) + 0.5) >> (t >> 8))

/** Quadratic or linear functions of some inputs, one for each symbol. */
export class Scores {
  /**
   * Places the functions in the memory of the kernels.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {ArrayLike<number>} constants One for each symbol.
   * @param {number} inputs
   * @param {(symbol: number, input: number) => number} factor
   */
  constructor(machine, constants, inputs, factor) {
    this.machine = machine
    this.symbols = constants.length
    this.inputs = inputs
    this.blocks = ceil(this.symbols / SCORES)
    const padded = this.blocks * SCORES
    this.constants = machine.reserve(8 * padded)
    machine.doubles(this.constants, padded).set(constants)
    this.matrix = machine.reserve(8 * padded * inputs)
    const matrix = machine.doubles(this.matrix, padded * inputs)
    for (let symbol = 0; symbol < this.symbols; symbol++) {
      const from = floor(symbol / SCORES) * SCORES * inputs + (symbol % SCORES)
      for (let i = 0; i < inputs; i++) matrix[from + i * SCORES] = factor(symbol, i)
    }
  }

  /** Reserves a place for inputs and scores. */
  workspace() {
    const { machine, inputs, symbols, constants, matrix, blocks } = this
    const from = machine.reserve(8 * inputs)
    const to = machine.reserve(8 * blocks * SCORES)
    return {
      /** Returns the numbers at that place; valid until the next reservation. */
      numbers: () => ({ inputs: machine.doubles(from, inputs), scores: machine.doubles(to, symbols) }),
      /** Computes the scores of the inputs. */
      compute: () => machine.run.scores(from, inputs, matrix, constants, to, blocks),
    }
  }
}

/** Returns the weight of a symbol before weights are divided by their sum, at a distance in bits from the best score. */
export function powerOf(below) {
  const t = 256 * below
  return t < FARTHEST ? POWERS[t | 0] : 0
}

const FOUND = new Int32Array(65536)

/** Sets `FOUND` to the powers of scores, and returns their sum. */
function powers(scores) {
  const symbols = scores.length
  let best = scores[0]
  for (let k = 1; k < symbols; k++) if (scores[k] > best) best = scores[k]
  let sum = 0
  for (let k = 0; k < symbols; k++) sum += FOUND[k] = powerOf(best - scores[k])
  return sum
}

/** Returns the frequency of a symbol, but the first one, which has what the others leave over. */
function frequencyOf(k, symbols, sum) {
  const power = FOUND[k]
  return power ? floor((power * (TOTAL - (symbols + 2))) / sum) + 1 : 1
}

/**
 * Pops a symbol from a stack.
 * @param {import('./rans.mjs').Stack} stack
 * @param {Float64Array} scores In bits, one for each symbol.
 */
export function popScored(stack, scores) {
  const slot = stack.lower
  if (slot === 0 || slot === TOTAL - 1) throw new FormatError('the symbols of a chunk are not valid')
  const sum = powers(scores)
  let end = TOTAL - 1 // intervals from the last symbol down
  for (let k = scores.length - 1; k > 0; k--) {
    const frequency = frequencyOf(k, scores.length, sum)
    if (slot >= end - frequency) {
      stack.pop(end - frequency, frequency)
      return k
    }
    end -= frequency
  }
  stack.pop(1, end - 1)
  return 0
}

/** Pushes a symbol that was drawn under scores to a stack: all slots belong to symbols. */
export function pushScored(stack, scores, symbol) {
  const sum = powers(scores)
  let end = TOTAL
  for (let k = scores.length - 1; k > symbol; k--) end -= frequencyOf(k, scores.length, sum)
  const frequency = symbol ? frequencyOf(symbol, scores.length, sum) : end
  stack.push(end - frequency, frequency)
}
