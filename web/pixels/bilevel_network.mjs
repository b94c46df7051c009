/** The network of black and white pixels, in the kernels: hidden layers of whole numbers, and a score. */

import { denseMap } from '../kernels/dense.mjs'

const { max, min } = Math

/** The network of a weights file, with the numbers of the positions that it computes last. */
export class BilevelNetwork {
  /**
   * Takes the tensors.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {number} depth Hidden layers.
   * @param {import('../weights/safetensors.mjs').Tensors} tensors
   * @param {number} far The largest magnitude of a score, in steps of 2^-5 bits.
   */
  constructor(machine, depth, tensors, far) {
    const names = ['first', ...Array.from({ length: depth - 1 }, (_, j) => `rest.${j}`)]
    Object.assign(this, { machine, far })
    this.hidden = names.map((name) => denseMap(machine, tensors.below(name)))
    this.last = denseMap(machine, tensors.below('last'), () => 5)
    this.step = this.hidden[0].inputs // numbers of 16 bits from position to position
  }

  /** Reserves memory for some positions; call it inside `machine.scoped`. */
  reserve(count) {
    const { machine, hidden, last, step } = this
    this.places = [machine.zeros(count * step), ...hidden.map((map) => machine.zeros(count * map.padded))]
    this.out = machine.reserve(4 * count * last.padded)
    this.inputs = machine.shorts(this.places[0], count * step)
    this.outputs = machine.integers(this.out, count * last.padded)
  }

  /** Runs the first `count` positions; returns the row of the tables of scores by position. */
  run(count) {
    const { hidden, last, places, out, outputs, far } = this
    hidden.forEach((map, j) => map.run('byte', places[j], count, places[j + 1], 2 * map.inputs))
    last.run('rounded', places[hidden.length], count, out, 2 * last.inputs)
    return (position) => max(-far, min(far, outputs[position * last.padded])) + far
  }
}
