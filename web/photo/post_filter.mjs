/** The post-filter, which corrects samples at positions of two by two pixels, in bands of rows of blocks. */

import { Contrast } from '../images/contrast.mjs'
import { rowOf, within } from '../kernels/states.mjs'
import { shuffled, unshuffled } from '../light/post_filter.mjs'
import { COMPANDING } from './contrast.mjs'
import { CONTRAST_BITS, FLOATS, FloatMap, Network } from './network.mjs'

/** Rows of blocks whose features are in the memory at once. */
const BAND = 32
const NOTHING = new Int32Array(12)

/** Corrects samples. */
export class PostFilter {
  /** Takes the tensors of the network. */
  constructor(machine, tensors, { postfilter_width: width, postfilter_pairs: pairs, synthesis_width: features }) {
    this.machine = machine
    this.network = new Network(machine, tensors, 12, width, pairs)
    this.conditioning = new FloatMap(machine, tensors.below('conditioning'), features)
    /** Rows of blocks beyond its own that a correction depends on. */
    this.halo = Math.ceil((2 * pairs + 2) / 4)
  }

  /**
   * Calls `use` with each row of blocks and what is added to its samples, 192 numbers for each block.
   * @param {Float32Array} samples
   * @param {{state: import('../kernels/states.mjs').State, bits: number}} features Those of the synthesis.
   * @param {number} quality
   * @param {(row: number, added: Float32Array) => void} use
   */
  run(samples, features, quality, use) {
    const { machine, network, halo } = this
    const { rows, columns } = features.state
    const contrast = new Contrast(samples, features.state, COMPANDING)
    for (let top = 0; top < rows; top += BAND) {
      const end = Math.min(top + BAND, rows)
      const first = Math.max(top - halo, 0)
      const last = Math.min(end + halo, rows)
      machine.scoped(() => {
        const size = { rows: 4 * (last - first), columns: 4 * columns }
        const { state } = network.run(size, quality, (bits) => ({
          write: this.squares(contrast, columns, first),
          add: this.adder(features, first, bits),
        }))
        this.leave(state, { from: 4 * (top - first), to: 4 * (end - first) }, (row, added) => use(top + row, added))
      })
    }
  }

  /** Returns what writes the contrasts of a row of squares of two pixels. */
  squares(contrast, columns, first) {
    const whole = new Int16Array(192 * columns)
    return (row, out) => {
      if (row % 4 === 0) contrast.write(first + row / 4, whole)
      unshuffled(whole, row % 4, out)
    }
  }

  /** Returns what adds to a row of a state what the features of the synthesis say. */
  adder({ state: features, bits: from }, first, bits) {
    const { machine, conditioning } = this
    const { columns, channels } = features
    conditioning.steps(from, bits)
    const seen = machine.reserve(2 * columns * channels)
    const found = machine.reserve(columns * conditioning.size('rounded'))
    return (state, row) => {
      if (row % 4 === 0) {
        machine.run.relu(rowOf(features, first + row / 4), seen, columns * channels)
        conditioning.run('rounded', [seen], columns, found)
      }
      const sums = machine.integers(found, columns * conditioning.padded)
      const values = machine.shorts(rowOf(state, row), 4 * columns * state.channels)
      for (let x = 0, to = 0; x < 4 * columns; x++) {
        const at = (x >> 2) * conditioning.padded + 4 * (row & 3) + (x & 3)
        for (let c = 0; c < state.channels; c++, to++) values[to] = within(values[to] + sums[at + 16 * c], FLOATS.limit)
      }
    }
  }

  /** Calls `use` with each row of blocks and what rows of a state add to its samples. */
  leave(state, lines, use) {
    const { last } = this.network
    const found = new Int32Array(48 * state.columns)
    const added = new Float32Array(found.length)
    this.network.leave(state, lines, (row, channels) => {
      shuffled(channels, { padded: last.padded, row: (row - lines.from) % 4, blank: NOTHING }, found)
      if ((row - lines.from) % 4 < 3) return
      for (let i = 0; i < found.length; i++) added[i] = found[i] / 2 ** CONTRAST_BITS
      use((row - lines.from) >> 2, added)
    })
  }
}
