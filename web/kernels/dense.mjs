/** Linear maps of positions by the kernels: outputs are sums of products with a position's own inputs alone. */

import { BLOCK } from './convolution.mjs'

/** A linear map, packed in the memory of the kernels. */
export class DenseMap {
  /**
   * Places a map in the memory.
   * @param {import('./machine.mjs').Machine} machine
   * @param {number} inputs
   * @param {Int32Array} weight Of 16 bits, a row of inputs for each output.
   * @param {Int32Array} bias
   * @param {Float32Array} [scales] What sums are multiplied by before they are rounded.
   */
  constructor(machine, inputs, weight, bias, scales = Float32Array.from(bias, () => 1)) {
    const outputs = bias.length
    this.machine = machine
    this.inputs = Math.ceil(inputs / 8) * 8
    this.padded = Math.ceil(outputs / BLOCK) * BLOCK
    this.weights = machine.zeros(this.padded * this.inputs)
    this.biases = machine.zeros(2 * this.padded)
    this.scales = machine.zeros(2 * this.padded)
    const packed = machine.shorts(this.weights, this.padded * this.inputs)
    for (let o = 0, at = 0; o < outputs; o++) {
      const block = (o >> 3) * BLOCK * this.inputs + 2 * (o & 7)
      for (let i = 0; i < inputs; i++, at++) packed[block + (i >> 1) * 2 * BLOCK + (i & 1)] = weight[at]
    }
    machine.integers(this.biases, outputs).set(bias)
    machine.floats(this.scales, outputs).set(scales)
  }

  /**
   * Computes the outputs of positions.
   * @param {'sums' | 'rounded' | 'positive' | 'byte'} kernel
   * @param {number} from Address of the first position's inputs, of which those beyond the map's own count for nothing.
   * @param {number} count Positions.
   * @param {number} out Address of the outputs.
   * @param {number} step Bytes from position to position.
   */
  run(kernel, from, count, out, step) {
    const { weights, biases, scales, padded, inputs } = this
    const outStep = padded * (kernel === 'sums' || kernel === 'rounded' ? 4 : 2)
    if (count) {
      this.machine.run[kernel](from, from, from, 1, inputs / 4, step, count, weights, biases, scales, out, outStep, padded / BLOCK)
    }
  }
}

/** Returns the map of a weights file whose outputs are in steps of 2^-to, for inputs in steps of 2^-4. */
export function denseMap(machine, tensors, to = () => 4) {
  const [outputs, inputs] = tensors.shape('weight')
  const scales = Float32Array.from(tensors.take('shift', [outputs]), (shift, o) => 2 ** (to(o) - 4 - shift))
  return new DenseMap(machine, inputs, tensors.take('weight'), tensors.take('bias', [outputs]), scales)
}
