/** The maps of the light photograph network, and its vectors. */

import { LinearMap } from '../kernels/linear_map.mjs'
import { between } from '../weights/quality.mjs'

/** The kernels that its blocks are made of. */
export const LIGHT = { seen: 'activation', hidden: 'hidden', added: 'state', limit: 32512 }

/** A 1x1 or 3x3 map whose outputs have exponents of their own. */
export class LightMap extends LinearMap {
  /**
   * Places the tensors `weight`, `shift` and `bias` in the memory.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {import('../weights/safetensors.mjs').Tensors} tensors
   * @param {number} channels Inputs of a position.
   * @param {{to?: number | ArrayLike<number>, bits?: number}} [steps] Outputs are in steps of 2^-to, inputs in steps of
   *   2^-bits.
   */
  constructor(machine, tensors, channels, { to = 8, bits = 4 } = {}) {
    const [outputs, inputs] = tensors.shape('weight')
    const shift = tensors.take('shift', [outputs])
    const bias = tensors.take('bias', [outputs])
    const weight = tensors.take('weight', [outputs, inputs === channels ? channels : 9 * channels])
    const step = (o) => (typeof to === 'number' ? to : to[o])
    super(machine, channels, weight, bias, Float32Array.from(shift, (f, o) => 2 ** (step(o) - bits - f)))
    this.shift = shift
    this.bias = bias
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
    const knots = tuning ? this.plain.map((knot, i) => knot + this.tuned[i]) : this.plain
    return Int32Array.from(between(knots, quality, (sum) => Math.floor(sum / 256)))
  }
}
