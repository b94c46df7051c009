/** The post-filter, which corrects samples at positions of two by two pixels, in bands of rows of blocks. */

import { activations, bounded, pairBlock, rowOf, stateOf } from './blocks.mjs'
import { Contrast } from './contrast.mjs'
import { LightMap, PaddedRows, Vector, between } from './maps.mjs'

/** Rows of blocks whose features are in the memory at once, and those beyond them that they depend on. */
const BAND = 32
const HALO = 2

/** Corrects samples for the last time. */
export class PostFilter {
  /** Takes the tensors of the network. */
  constructor(machine, tensors, config) {
    this.machine = machine
    const width = (this.width = config.postfilter_width)
    const map = (name, channels, steps) => new LightMap(machine, tensors.below(name), channels, steps)
    this.first = map('first', 12, { bits: 5 })
    this.conditioning = map('conditioning', config.synthesis_width)
    this.tuning = new Vector(tensors.below('tuning'))
    this.quality = tensors.take('quality', [17, width])
    this.body = Array.from({ length: config.postfilter_pairs }, (_, i) => [
      map(`body.${i}.first`, width, { to: 4 }),
      map(`body.${i}.second`, width),
    ])
    this.last = map('last', width)
  }

  /**
   * Calls `use` with each row of blocks and what is added to its samples, 192 numbers for each block.
   * @param {Int16Array} samples
   * @param {import('./blocks.mjs').State} h The features of the synthesis.
   * @param {{quality: number, tuning: number}} setting
   * @param {(row: number, added: Int32Array) => void} use
   */
  run(samples, h, setting, use) {
    const contrast = new Contrast(samples, h)
    for (let top = 0; top < h.rows; top += BAND) {
      const end = Math.min(top + BAND, h.rows)
      const rows = { first: Math.max(top - HALO, 0), last: Math.min(end + HALO, h.rows) }
      this.machine.scoped(() => {
        const g = stateOf(this.machine, 4 * (rows.last - rows.first), 4 * h.columns, this.width)
        this.machine.scoped(() => this.enter(g, contrast, h, rows, setting))
        for (const [first, second] of this.body) pairBlock(this.machine, g, first, second)
        this.leave(g, { top: top - rows.first, end: end - rows.first }, (row, added) => use(row + rows.first, added))
      })
    }
  }

  /** Makes the first features of a band. */
  enter(g, contrast, h, { first, last }, setting) {
    const { machine } = this
    const whole = new Int16Array(192 * h.columns)
    const seen = new PaddedRows(machine, { rows: g.rows, columns: g.columns, channels: 12 }, (row, address) => {
      if (row % 4 === 0) contrast.write(first + row / 4, whole)
      unshuffled(whole, row % 4, machine.shorts(address, 12 * g.columns))
    })
    const quality = between(this.quality, setting.quality)
    const tuning = this.tuning.at(setting)
    const found = machine.reserve(this.first.size('rounded') * g.columns)
    const features = machine.reserve(2 * h.columns * h.channels)
    const given = machine.reserve(this.conditioning.size('rounded') * h.columns)
    for (let row = 0; row < g.rows; row++) {
      if (row % 4 === 0) {
        machine.run.activation(rowOf(h, first + row / 4), features, h.columns * h.channels)
        this.conditioning.run('rounded', [features], h.columns, given)
      }
      this.first.run('rounded', seen.around(row), g.columns, found)
      const out = machine.shorts(rowOf(g, row), g.columns * g.channels)
      const sums = machine.integers(found, out.length)
      const conditions = machine.integers(given, 16 * g.channels * h.columns)
      for (let x = 0, to = 0; x < g.columns; x++) {
        const square = 4 * (row % 4) + (x % 4)
        const from = 16 * g.channels * (x >> 2) + square
        for (let c = 0; c < g.channels; c++, to++) {
          out[to] = bounded(sums[to] + quality[c] + (conditions[from + 16 * c] + tuning[16 * c + square]))
        }
      }
    }
  }

  /** Calls `use` with what a band's features add to the samples of its rows of blocks. */
  leave(g, { top, end }, use) {
    const { machine, last } = this
    const seen = activations(machine, g)
    const found = machine.reserve(last.size('rounded') * g.columns)
    const added = new Int32Array(12 * 4 * g.columns)
    for (let row = 0; row < 4 * end; row++) {
      const addresses = seen.around(row)
      if (row < 4 * top) continue
      last.run('rounded', addresses, g.columns, found)
      shuffled(machine.integers(found, last.padded * g.columns), last.padded, row % 4, added)
      if (row % 4 === 3) use(row >> 2, added)
    }
  }
}

/** Writes the channels of one row of squares of two pixels: 4 c + 2 i + j. */
function unshuffled(blocks, row, out) {
  for (let x = 0, to = 0; to < out.length; x++) {
    const from = 192 * (x >> 2) + 16 * row + 2 * (x & 3)
    for (let c = 0; c < 3; c++, to += 4) {
      const at = from + 64 * c
      out[to] = blocks[at]
      out[to + 1] = blocks[at + 1]
      out[to + 2] = blocks[at + 8]
      out[to + 3] = blocks[at + 9]
    }
  }
}

/** Places the channels of one row of squares of two pixels in blocks. */
function shuffled(channels, padded, row, blocks) {
  const columns = channels.length / padded
  for (let x = 0; x < columns; x++) {
    const to = 192 * (x >> 2) + 16 * row + 2 * (x & 3)
    for (let c = 0, from = x * padded; c < 3; c++, from += 4) {
      const at = to + 64 * c
      blocks[at] = channels[from]
      blocks[at + 1] = channels[from + 1]
      blocks[at + 8] = channels[from + 2]
      blocks[at + 9] = channels[from + 3]
    }
  }
}
