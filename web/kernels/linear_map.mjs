/** Linear maps of whole numbers, as the kernels take them: packed weights, biases and scales in their memory. */

import { BLOCK } from './convolution.mjs'

/** A 1x1 or 3x3 map of maps of positions, whose channels stand together. */
export class LinearMap {
  /**
   * Places a map in the memory.
   * @param {import('./machine.mjs').Machine} machine
   * @param {number} channels Inputs of a position.
   * @param {Int32Array} weight Of 16 bits: for each output the channels, of each 3x3 map the rows, then the columns.
   * @param {Int32Array} bias In steps of the sums.
   * @param {ArrayLike<number>} scales What sums are multiplied by before they are rounded.
   */
  constructor(machine, channels, weight, bias, scales) {
    this.machine = machine
    this.outputs = bias.length
    this.runs = weight.length === channels * this.outputs ? 1 : 3
    this.channels = Math.ceil(channels / 4) * 4
    this.padded = Math.ceil(this.outputs / BLOCK) * BLOCK
    this.quads = (this.channels * this.runs) / 4
    this.biases = machine.zeros(2 * this.padded)
    this.scales = machine.zeros(2 * this.padded)
    this.place(channels, weight)
    this.finish(bias, scales)
  }

  place(channels, weight) {
    const { machine, runs, padded, outputs } = this
    const length = this.channels * runs ** 2
    this.weights = machine.zeros(padded * length)
    const packed = machine.shorts(this.weights, padded * length)
    for (let o = 0, at = 0; o < outputs; o++) {
      const block = (o >> 3) * BLOCK * length + 2 * (o & 7)
      for (let c = 0; c < channels; c++) {
        for (let tap = 0; tap < runs * runs; tap++, at++) {
          const input = tap * this.channels + c // row by row, in each the columns, in each the channels
          packed[block + (input >> 1) * 2 * BLOCK + (input & 1)] = weight[at]
        }
      }
    }
  }

  /** Sets the biases and the scales. */
  finish(bias, scales) {
    this.machine.integers(this.biases, this.outputs).set(bias)
    this.machine.floats(this.scales, this.outputs).set(scales)
  }

  /**
   * Computes a row of positions by a kernel.
   * @param {'sums' | 'rounded' | 'hidden' | 'positive' | 'byte' | 'wide' | 'state' | 'stream'} kernel
   * @param {number[]} rows Addresses of the inputs, of one row or of three whose first position is the one to the left.
   * @param {number} count Positions.
   * @param {number} out Address of the outputs.
   * @param {{step?: number, outStep?: number}} [steps] Bytes between positions.
   */
  run(kernel, rows, count, out, { step = 2 * this.channels, outStep = this.size(kernel) } = {}) {
    const [first, second = first, third = first] = rows
    const { weights, biases, scales, padded } = this
    const place = [weights, biases, scales, out, outStep, padded / BLOCK]
    if (count) this.machine.run[kernel](first, second, third, this.runs, this.quads, step, count, ...place)
  }

  /** Returns the bytes of a position's outputs. */
  size(kernel) {
    return this.padded * (kernel === 'sums' || kernel === 'rounded' ? 4 : 2)
  }
}
