/** Linear maps of whole numbers, as the kernels take them: packed weights, biases and scales in their memory. */

import { BLOCK } from '../kernels/convolution.mjs'

/** A 1x1 or 3x3 map of maps of positions, whose channels stand together. */
export class LightMap {
  /**
   * Places the tensors `weight`, `shift` and `bias` in the memory.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {import('../weights/safetensors.mjs').Tensors} tensors
   * @param {number} channels Inputs of a position.
   * @param {{to?: number, bits?: number}} [steps] Outputs are in steps of 2^-to, inputs in steps of 2^-bits.
   */
  constructor(machine, tensors, channels, { to = 8, bits = 4 } = {}) {
    const [outputs, inputs] = tensors.shape('weight')
    this.machine = machine
    this.channels = channels
    this.outputs = outputs
    this.padded = Math.ceil(outputs / BLOCK) * BLOCK
    this.runs = inputs === channels ? 1 : 3
    this.quads = (channels * this.runs) / 4
    this.shift = tensors.take('shift', [outputs])
    this.bias = tensors.take('bias', [outputs])
    this.place(tensors.take('weight', [outputs, channels * this.runs ** 2]), to - bits)
  }

  place(weight, exponent) {
    const { machine, runs, channels, padded, outputs } = this
    const length = channels * runs
    this.weights = machine.zeros(padded * length * runs)
    this.biases = machine.zeros(2 * padded)
    this.scales = machine.zeros(2 * padded)
    const packed = machine.shorts(this.weights, padded * length * runs)
    for (let o = 0, at = 0; o < outputs; o++) {
      const block = (o >> 3) * BLOCK * length * runs + 2 * (o & 7)
      for (let c = 0; c < channels; c++) {
        for (let tap = 0; tap < runs * runs; tap++, at++) {
          const input = tap * channels + c // row by row, in each the columns, in each the channels
          packed[block + (input >> 1) * 2 * BLOCK + (input & 1)] = weight[at]
        }
      }
    }
    machine.integers(this.biases, outputs).set(this.bias)
    machine.floats(this.scales, outputs).set(Float32Array.from(this.shift, (shift) => 2 ** (exponent - shift)))
  }

  /**
   * Computes a row of positions by a kernel.
   * @param {'sums' | 'rounded' | 'hidden' | 'state'} kernel
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

/** Vectors that depend on the quality, linearly between knots, and on the tuning, by addition. */
export class Vector {
  /** Takes the tensors `plain` and `tuned`. */
  constructor(tensors) {
    this.plain = tensors.take('plain')
    this.tuned = tensors.take('tuned')
  }

  /** Returns the vector at a network quality and a tuning, in steps of 2^-8. */
  at({ quality, tuning }) {
    return between(tuning ? this.plain.map((knot, i) => knot + this.tuned[i]) : this.plain, quality)
  }
}

/** Returns what 17 knots are at a network quality. */
export function between(knots, quality) {
  const channels = knots.length / 17
  const low = Math.min(quality >> 8, 15)
  const part = quality - 256 * low
  return Int32Array.from({ length: channels }, (_, c) => {
    const at = low * channels + c
    return Math.floor((knots[at] * (256 - part) + knots[at + channels] * part) / 256)
  })
}

/** Rows of inputs with a position of zeros at either end, of which three are kept: they are made when they are needed. */
export class PaddedRows {
  /**
   * Takes what makes a row.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {{rows: number, columns: number, channels: number}} size
   * @param {(row: number, address: number) => void} make Writes the inputs of a row, in ascending order.
   */
  constructor(machine, { rows, columns, channels }, make) {
    this.rows = rows
    this.make = make
    this.left = 2 * channels
    this.slots = [0, 1, 2, 3].map(() => machine.zeros((columns + 2) * channels))
    this.made = 0
  }

  /** Returns the addresses of a row and of its neighbours, which are zeros outside. */
  around(row) {
    for (; this.made <= Math.min(row + 1, this.rows - 1); this.made++) {
      this.make(this.made, this.slots[this.made % 3] + this.left)
    }
    return [row - 1, row, row + 1].map((y) => (y < 0 || y >= this.rows ? this.slots[3] : this.slots[y % 3]))
  }
}
