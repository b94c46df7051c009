/** The post-filter, which corrects samples at positions of two by two pixels, in bands of rows of blocks. */

import { outputRows, pairBlock } from '../kernels/blocks.mjs'
import { PaddedRows, rowOf, stateOf, within } from '../kernels/states.mjs'
import { Contrast } from '../images/contrast.mjs'
import { COMPANDING } from './contrast.mjs'
import { LIGHT, LightMap, Vector } from './maps.mjs'

/** Rows of blocks whose features are in the memory at once. */
const BAND = 32

/** Corrects samples; plain images stay as they are. */
export class PostFilter {
  /** Takes the tensors of the network. */
  constructor(machine, tensors, config) {
    this.machine = machine
    const width = (this.width = config.postfilter_width)
    const map = (name, channels, steps) => new LightMap(machine, tensors.below(name), channels, steps)
    this.first = map('first', 12, { bits: 5 })
    this.conditioning = new Vector(tensors.below('conditioning'))
    this.body = Array.from({ length: config.postfilter_pairs }, (_, i) => [
      map(`body.${i}.first`, width, { to: 4 }),
      map(`body.${i}.second`, width),
    ])
    this.last = map('last', width)
    /** Positions beyond its own that a correction depends on. */
    this.reach = 2 * config.postfilter_pairs + 2
  }

  /**
   * Calls `use` with each row of blocks and what is added to its samples, 192 numbers for each block.
   * @param {Int16Array} samples
   * @param {{rows: number, columns: number}} size In blocks.
   * @param {{quality: number, tuning: number}} setting
   * @param {(row: number, added: Int32Array) => void} use
   */
  run(samples, size, setting, use) {
    const { machine, reach } = this
    const contrast = new Contrast(samples, size, COMPANDING)
    const halo = Math.ceil(reach / 4)
    const blank = this.blank(setting)
    for (let top = 0; top < size.rows; top += BAND) {
      const end = Math.min(top + BAND, size.rows)
      const first = Math.max(top - halo, 0)
      const last = Math.min(end + halo, size.rows)
      const above = first ? 0 : reach // beyond the image, there are no contrasts
      const rows = 4 * (last - first) + above + (last < size.rows ? 0 : reach)
      machine.scoped(() => {
        const g = stateOf(machine, rows, 4 * size.columns + 2 * reach, this.width)
        machine.scoped(() => this.enter(g, setting, this.squares(contrast, size, { first, last, above })))
        for (const [one, two] of this.body) pairBlock(machine, g, one, two, LIGHT)
        const lines = { from: above + 4 * (top - first), to: above + 4 * (end - first) }
        this.leave(g, lines, blank, (row, added) => use(top + row, added))
      })
    }
  }

  /** Returns what writes the contrasts of a row of squares of two pixels. */
  squares(contrast, { columns }, { first, last, above }) {
    const whole = new Int16Array(192 * columns)
    return (row, out) => {
      const line = row - above
      if (line < 0 || line >= 4 * (last - first)) return
      if (line % 4 === 0) contrast.write(first + line / 4, whole)
      unshuffled(whole, line % 4, out.subarray(12 * this.reach, 12 * (this.reach + 4 * columns)))
    }
  }

  /** Makes the first features of a state; `write` writes the contrasts of a row. */
  enter(g, setting, write) {
    const { machine, first } = this
    const seen = new PaddedRows(machine, { rows: g.rows, columns: g.columns, channels: 12 }, (row, address) => {
      const out = machine.shorts(address, 12 * g.columns)
      out.fill(0)
      write(row, out)
    })
    const vector = this.conditioning.at(setting)
    const found = machine.reserve(first.size('rounded') * g.columns)
    for (let row = 0; row < g.rows; row++) {
      first.run('rounded', seen.around(row), g.columns, found)
      const out = machine.shorts(rowOf(g, row), g.columns * g.channels)
      const sums = machine.integers(found, out.length)
      for (let i = 0; i < out.length; i++) out[i] = within(sums[i] + vector[i % g.channels], LIGHT.limit)
    }
  }

  /** Calls `use` with each row of blocks and what some rows of a state add to its samples. */
  leave(g, { from, to }, blank, use) {
    const { last, reach } = this
    const columns = g.columns - 2 * reach
    const added = new Int32Array(48 * columns)
    outputRows(this.machine, g, last, LIGHT, { from, to }, (row, channels) => {
      const inside = channels.subarray(reach * last.padded, (reach + columns) * last.padded)
      shuffled(inside, { padded: last.padded, row: (row - from) % 4, blank }, added)
      if ((row - from) % 4 === 3) use((row - from) >> 2, added)
    })
  }

  /** Returns what the network makes of no contrasts, 12 numbers. */
  blank(setting) {
    const { machine, reach, last } = this
    const side = 2 * reach + 1
    const blank = new Int32Array(12)
    machine.scoped(() => {
      const g = stateOf(machine, side, side, this.width)
      machine.scoped(() => this.enter(g, setting, () => {}))
      for (const [one, two] of this.body) pairBlock(machine, g, one, two, LIGHT)
      outputRows(machine, g, last, LIGHT, { from: reach, to: reach + 1 }, (row, channels) =>
        blank.set(channels.subarray(reach * last.padded, reach * last.padded + 12)))
    })
    return blank
  }
}

/** Writes the channels of one row of squares of two pixels: 4 c + 2 i + j. */
export function unshuffled(blocks, row, out) {
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

/** Places the channels of one row of squares of two pixels in blocks, less those of no contrasts. */
export function shuffled(channels, { padded, row, blank }, blocks) {
  const columns = channels.length / padded
  for (let x = 0; x < columns; x++) {
    const to = 192 * (x >> 2) + 16 * row + 2 * (x & 3)
    for (let c = 0, from = x * padded; c < 12; c += 4, from += 4) {
      const at = to + 16 * c
      blocks[at] = channels[from] - blank[c]
      blocks[at + 1] = channels[from + 1] - blank[c + 1]
      blocks[at + 8] = channels[from + 2] - blank[c + 2]
      blocks[at + 9] = channels[from + 3] - blank[c + 3]
    }
  }
}
