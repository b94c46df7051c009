/** Linear maps of whole numbers, position by position: outputs are sums over 2^(f + 4) for inputs in steps of 2^-4. */

import { powerOf } from '../entropy/scores.mjs'

const { floor, fround, max, min } = Math

/** A linear map of a weights file: `weight`, `shift` and `bias`. */
export class LinearMap {
  /** @param {import('../weights/safetensors.mjs').Tensors} tensors */
  constructor(tensors) {
    ;[this.outputs, this.inputs] = tensors.shape('weight')
    this.weight = tensors.take('weight')
    this.bias = tensors.take('bias', [this.outputs])
    this.shift = tensors.take('shift', [this.outputs])
    this.sums = new Int32Array(this.outputs)
  }

  /** Returns the sums of inputs, in their own steps; they are valid until the next call. */
  of(x) {
    const { inputs, outputs, weight, bias, sums } = this
    for (let o = 0, at = 0; o < outputs; o++) {
      let sum = bias[o]
      for (let i = 0; i < inputs; i++, at++) sum += weight[at] * x[i]
      sums[o] = sum
    }
    return sums
  }

  /** Writes round_b of the outputs, in steps of 2^-b, between bounds. */
  rounded(x, b, least, most, out) {
    const sums = this.of(x)
    for (let o = 0; o < this.outputs; o++) {
      out[o] = max(least, min(most, floor(fround(sums[o] * 2 ** (b - 4 - this.shift[o]) + 0.5))))
    }
    return out
  }
}

/** Returns the weights of the entropy coder for two symbols of the scores 0 and `score`, in bits. */
export function weightsOfTwo(score) {
  const best = max(0, score)
  const [first, second] = [powerOf(best), powerOf(best - score)]
  const total = 2 ** 24 - 4
  const weight = floor((second * total) / (first + second))
  return [total - weight, weight]
}
