/** The networks between samples and pixels: the synthesis, on blocks, and the post-filter, on squares of two pixels. */

import { activations, bounded, pairBlock, rowOf, stateOf } from './blocks.mjs'
import { Contrast } from './contrast.mjs'
import { clamp } from './groups.mjs'
import { SAMPLE_LIMIT } from './inverse.mjs'
import { LightMap, PaddedRows, Vector, between } from './maps.mjs'

/** The maps of a network's body. */
function pairsOf(machine, tensors, width, count) {
  const map = (name, steps) => new LightMap(machine, tensors.below(name), width, steps)
  return Array.from({ length: count }, (_, i) => [map(`body.${i}.first`, { to: 4 }), map(`body.${i}.second`)])
}

/** Corrects samples, and leaves what the post-filter sees of its features. */
export class Synthesis {
  /** Takes the tensors of the network. */
  constructor(machine, tensors, config) {
    this.machine = machine
    const width = (this.width = config.synthesis_width)
    this.first = new LightMap(machine, tensors.below('first'), 192, { bits: 5 })
    this.extra = new LightMap(machine, tensors.below('extra'), config.widths[8], { bits: 5 })
    this.body = pairsOf(machine, tensors, width, config.synthesis_blocks)
    this.last = new LightMap(machine, tensors.below('last'), width)
    this.quality = tensors.take('quality', [17, width])
    this.tuning = new Vector(tensors.below('tuning'))
  }

  /**
   * Corrects samples in place and returns the state h, in the memory.
   * @param {Int16Array} samples
   * @param {import('./blocks.mjs').State} given The last state of the pass.
   * @param {{quality: number, tuning: number}} setting
   * @param {(share: number) => void} onProgress
   */
  correct(samples, given, setting, onProgress) {
    const { machine } = this
    const h = stateOf(machine, given.rows, given.columns, this.width)
    machine.scoped(() => this.enter(h, samples, given, setting))
    onProgress(0.3)
    this.body.forEach(([first, second], i) => {
      pairBlock(machine, h, first, second)
      onProgress(0.3 + (0.5 * (i + 1)) / this.body.length)
    })
    machine.scoped(() => this.add(h, samples))
    return h
  }

  enter(h, samples, given, setting) {
    const { machine } = this
    const contrast = new Contrast(samples, h)
    const rows = new PaddedRows(machine, { ...h, channels: 192 }, (row, address) =>
      contrast.write(row, machine.shorts(address, 192 * h.columns)),
    )
    const quality = between(this.quality, setting.quality)
    const tuning = this.tuning.at(setting)
    const seen = machine.reserve(2 * given.channels * h.columns)
    const [one, two] = [this.first, this.extra].map((map) => machine.reserve(map.size('rounded') * h.columns))
    for (let row = 0; row < h.rows; row++) {
      this.first.run('rounded', rows.around(row), h.columns, one)
      see(machine.shorts(seen, given.channels * h.columns), machine.shorts(rowOf(given, row), given.channels * h.columns), tuning)
      this.extra.run('rounded', [seen], h.columns, two)
      const out = machine.shorts(rowOf(h, row), h.columns * h.channels)
      const [a, b] = [one, two].map((address) => machine.integers(address, out.length))
      for (let i = 0; i < out.length; i++) out[i] = bounded(a[i] + quality[i % h.channels] + b[i])
    }
  }

  add(h, samples) {
    const { machine, last } = this
    const seen = activations(machine, h)
    const found = machine.reserve(last.size('rounded') * h.columns)
    for (let row = 0, to = 0; row < h.rows; row++) {
      last.run('rounded', seen.around(row), h.columns, found)
      const added = machine.integers(found, 192 * h.columns)
      for (let i = 0; i < added.length; i++, to++) samples[to] = clamp(samples[to] + added[i], -SAMPLE_LIMIT, SAMPLE_LIMIT)
    }
  }
}

/** Writes what the map `extra` sees of a row of the last state. */
function see(out, state, tuning) {
  for (let i = 0, c = 0; i < out.length; i++, c = c + 1 === tuning.length ? 0 : c + 1) {
    out[i] = clamp((state[i] + tuning[c] + 4) >> 3, -1023, 1023)
  }
}
