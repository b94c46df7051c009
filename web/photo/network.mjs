/**
 * The networks of floats in the kernels of whole numbers: weights are whole numbers anyway, and the numbers of a state
 * are rounded to steps that are finer than pixels show.
 */

import { DvcodecError } from '../bitstream/errors.mjs'
import { outputRows, pairBlock } from '../kernels/blocks.mjs'
import { LinearMap } from '../kernels/linear_map.mjs'
import { PaddedRows, rowOf, stateOf, within } from '../kernels/states.mjs'
import { between } from '../weights/quality.mjs'

/** The kernels that blocks are made of. */
export const FLOATS = { seen: 'relu', hidden: 'wide', added: 'state', limit: 32512 }
/** Contrasts are in steps of 2^-12; what a network adds to samples, too. */
export const CONTRAST_BITS = 12
/** The largest magnitude of a contrast, which is below 4. */
const LARGEST_CONTRAST = 2 ** 14
/** Steps of a state, the finest first: a state that reaches its bounds is computed again in coarser steps. */
const STATE_BITS = [9, 6]
const MOST = 2 ** 31

/** The least scale of weights: smaller ones would make biases too large in steps of the sums. */
const LEAST_SCALE = 2 ** -16

/** A convolution. */
export class FloatMap extends LinearMap {
  /** Places the tensors `weight`, `weight.scale` and `bias`. */
  constructor(machine, tensors, channels) {
    const [outputs, , rows, columns] = tensors.shape('weight')
    const own = tensors.take('weight.scale', [outputs])
    const row = channels * rows * columns
    const weight = tensors.take('weight', [outputs, channels, rows, columns]).map((value, at) => {
      const scale = own[Math.floor(at / row)]
      return scale < LEAST_SCALE ? Math.round((value * scale) / LEAST_SCALE) : value
    })
    super(machine, channels, weight, new Int32Array(outputs), new Float32Array(outputs))
    this.scale = Float64Array.from(own, (scale) => Math.max(scale, LEAST_SCALE))
    this.bias = Float64Array.from(tensors.take('bias', [outputs]))
    this.largest = this.scale.map((_, o) => {
      return weight.subarray(o * row, (o + 1) * row).reduce((sum, value) => sum + Math.abs(value), 0)
    })
  }

  /** Sets the steps of inputs, 2^-from, and of outputs, 2^-to; inputs have a largest magnitude. */
  steps(from, to, limit = 2 ** 15) {
    const bias = this.bias.map((value, o) => Math.round((value / this.scale[o]) * 2 ** from))
    if (bias.some((value, o) => this.largest[o] * limit + Math.abs(value) >= MOST)) {
      throw new DvcodecError('this decoder does not run the weights: sums of its networks are too large')
    }
    this.finish(bias, this.scale.map((value) => value * 2 ** (to - from)))
  }
}

/** A network of convolutions: a first one, pairs that change its outputs, and a last one. */
export class Network {
  /** Takes the tensors of a network whose first convolution sees `channels`. */
  constructor(machine, tensors, channels, width, pairs) {
    this.machine = machine
    this.first = new FloatMap(machine, tensors.below('first'), channels)
    this.quality = tensors.take('quality', [17, width])
    this.body = Array.from({ length: pairs }, (_, i) =>
      ['first', 'second'].map((name) => new FloatMap(machine, tensors.below(`body.${i}.${name}`), width)),
    )
    this.last = new FloatMap(machine, tensors.below('last'), width)
  }

  /**
   * Returns the state after the pairs, and the bits of its steps.
   * @param {{rows: number, columns: number}} size
   * @param {number} quality The network quality.
   * @param {(bits: number) => {write: (row: number, out: Int16Array) => void, add: (state: object, row: number) => void}}
   *   begin Returns what writes the contrasts of a row, and what adds further inputs to a row of the state, row by row.
   */
  run({ rows, columns }, quality, begin) {
    const { machine, first, body, last } = this
    const state = stateOf(machine, rows, columns, first.outputs)
    for (const bits of STATE_BITS) {
      first.steps(CONTRAST_BITS, bits, LARGEST_CONTRAST)
      body.flat().forEach((map) => map.steps(bits, bits))
      last.steps(bits, CONTRAST_BITS)
      machine.scoped(() => this.enter(state, quality, bits, begin(bits)))
      for (const [one, two] of body) pairBlock(machine, state, one, two, FLOATS)
      if (bits === STATE_BITS.at(-1) || !this.full(state)) return { state, bits }
    }
  }

  enter(state, quality, bits, { write, add }) {
    const { machine, first } = this
    const { rows, columns, channels } = state
    const seen = new PaddedRows(machine, { rows, columns, channels: first.channels }, (row, address) => {
      write(row, machine.shorts(address, first.channels * columns))
    })
    const vector = between(this.quality, quality, (sum) => Math.round((sum / 256) * 2 ** bits))
    const found = machine.reserve(first.size('rounded') * columns)
    for (let row = 0; row < rows; row++) {
      first.run('rounded', seen.around(row), columns, found)
      const sums = machine.integers(found, columns * first.padded)
      const out = machine.shorts(rowOf(state, row), columns * channels)
      for (let x = 0, at = 0; x < columns; x++) {
        for (let c = 0; c < channels; c++, at++) out[at] = within(sums[x * first.padded + c] + vector[c], FLOATS.limit)
      }
      add(state, row)
    }
  }

  /** Tells whether numbers of a state are at their bounds. */
  full({ address, rows, columns, channels }) {
    const values = this.machine.shorts(address, rows * columns * channels)
    for (let i = 0; i < values.length; i++) if (values[i] === FLOATS.limit || values[i] === -FLOATS.limit) return true
    return false
  }

  /** Calls `use` with each of some rows and the outputs of the last convolution there, in steps of 2^-12. */
  leave(state, lines, use) {
    outputRows(this.machine, state, this.last, FLOATS, lines, use)
  }
}
