/** The synthesis, a network at stride 8 that corrects samples. */

import { Contrast } from '../images/contrast.mjs'
import { rowOf, within } from '../kernels/states.mjs'
import { COMPANDING } from './contrast.mjs'
import { CHAIN } from './layer.mjs'
import { CONTRAST_BITS, FLOATS, FloatMap, Network } from './network.mjs'

/** The chain's last state is in steps of 2^-8, and enters divided by 4. */
const CHAIN_BITS = 10

/** Corrects samples, and makes the features that condition the post-filter. */
export class Synthesis {
  /** Takes the tensors of the network. */
  constructor(machine, tensors, { synthesis_width: width, synthesis_blocks: blocks, widths }) {
    this.machine = machine
    this.network = new Network(machine, tensors, 192, width, blocks)
    this.extra = new FloatMap(machine, tensors.below('extra'), widths[8])
  }

  /**
   * Adds to samples what the network makes of them and of the chain's last state.
   * @param {Float32Array} samples
   * @param {import('../kernels/states.mjs').State} chain
   * @param {number} quality
   * @returns {{state: import('../kernels/states.mjs').State, bits: number}} The features, before they are made positive.
   */
  run(samples, chain, quality) {
    const { machine, network } = this
    const done = network.run(chain, quality, (bits) => {
      const contrast = new Contrast(samples, chain, COMPANDING)
      return { write: (row, out) => contrast.write(row, out), add: this.adder(chain, bits) }
    })
    machine.scoped(() => {
      network.leave(done.state, { from: 0, to: chain.rows }, (row, added) => {
        const from = row * added.length
        for (let i = 0; i < added.length; i++) samples[from + i] += added[i] / 2 ** CONTRAST_BITS
      })
    })
    return done
  }

  /** Returns what adds to a row of a state what the chain's becomes. */
  adder(chain, bits) {
    const { machine, extra } = this
    extra.steps(CHAIN_BITS, bits, CHAIN.limit)
    const found = machine.reserve(extra.size('rounded') * chain.columns)
    return (state, row) => {
      extra.run('rounded', [rowOf(chain, row)], chain.columns, found)
      const sums = machine.integers(found, chain.columns * extra.padded)
      const values = machine.shorts(rowOf(state, row), chain.columns * state.channels)
      for (let i = 0; i < values.length; i++) values[i] = within(values[i] + sums[i], FLOATS.limit)
    }
  }
}
