/** The top-down pass in integers: stage by stage, the source decides the symbols of each group. */

import { STRIP, finer, pointBlock, strips } from '../kernels/blocks.mjs'
import { PaddedRows, addVector, rowOf, stateOf, within } from '../kernels/states.mjs'
import { ENCODING, Group, MOST, clamp, encode } from './groups.mjs'
import { COEFFICIENTS, STAGES, STRIDES, isChroma } from './layout.mjs'
import { LIGHT, LightMap, Vector } from './maps.mjs'
import { ADJUSTMENTS, LARGEST_ADJUSTMENT } from './table.mjs'

/** The most positions of a step. */
const STEP = 65536

/** The maps of a stage. */
class Stage {
  constructor(machine, tensors, groups, width, { hidden, blocks }) {
    const map = (name, channels, steps) => new LightMap(machine, tensors.below(name), channels, steps)
    this.conditioning = new Vector(tensors.below('conditioning'))
    this.blocks = Array.from({ length: blocks }, (_, b) => [
      map(`blocks.${b}.spatial`, width, { to: 4 }),
      map(`blocks.${b}.point`, width),
    ])
    this.head = map('head', width)
    this.groups = groups.map((group, g) => new Group(machine, tensors.below(`groups.${g}`), group, hidden))
    this.close = tensors.has('close.weight') ? map('close', ENCODING * groups.flat().length) : null
  }
}

/** All maps that probabilities depend on. */
export class TopDownMaps {
  /** Takes the tensors of a weights file. */
  constructor(machine, config, tensors) {
    this.machine = machine
    this.config = config
    this.stages = {}
    for (const stride of STRIDES) {
      const width = config.widths[stride]
      this.stages[stride] = STAGES[stride].map(
        (groups, i) => new Stage(machine, tensors.below(`stages.${stride}.${i}`), groups, width, config),
      )
    }
    const grow = (stride, i) => new LightMap(machine, tensors.below(`grow.${i}`), config.widths[stride])
    this.grow = STRIDES.slice(0, -1).map(grow)
  }
}

/** One pass: the symbols and the state so far. */
export class Pass {
  /**
   * Prepares a pass.
   * @param {TopDownMaps} maps
   * @param {object} settings `width` and `height` of the image, `quality` of the network, `tuning`, whether the image is
   *   `grey`, and `stop`, the number of layers that are decoded.
   * @param {{residuals(layer: number, contexts: Uint16Array): Int32Array}} source Decides the symbols.
   */
  constructor(maps, settings, source) {
    this.maps = maps
    this.machine = maps.machine
    this.settings = settings
    this.source = source
    this.layer = this.stageCount = 0
    this.symbols = {}
    this.sizes = {}
    for (const stride of STRIDES) {
      const [rows, columns] = [settings.height, settings.width].map((side) => Math.ceil(side / stride))
      this.sizes[stride] = { rows, columns }
      this.symbols[stride] = new Int16Array(rows * columns * COEFFICIENTS[stride])
    }
  }

  /**
   * Runs the pass through a stride; call it for each in turn.
   * @param {number} stride
   * @param {boolean} [partial] Whether to leave out the stages behind the last layer that is decoded.
   */
  runStride(stride, partial = false) {
    const { rows, columns } = this.sizes[stride]
    const next = stateOf(this.machine, rows, columns, this.maps.config.widths[stride])
    if (this.state) finer(this.machine, this.state, next, this.maps.grow[STRIDES.indexOf(stride) - 1], LIGHT)
    this.state = next
    for (const stage of this.maps.stages[stride]) {
      if (partial && this.layer >= this.settings.stop) return
      this.machine.scoped(() => this.stage(stride, stage))
    }
  }

  /** Codes a stage. */
  stage(stride, stage) {
    const { machine, state } = this
    addVector(machine, state, stage.conditioning.at(this.settings), LIGHT.limit)
    for (const [spatial, point] of stage.blocks) pointBlock(machine, state, spatial, point, LIGHT)
    const features = stateOf(machine, state.rows, state.columns, stage.head.outputs)
    strips(machine, state, LIGHT.seen, ({ address, count, first }) => {
      stage.head.run('state', [address], count, features.address + 2 * first * features.channels)
    })
    for (const group of stage.groups) {
      this.group(stride, group, features)
      this.layer++
      if (group.embedding) this.add(features, group.embedding, stride, group.coefficients)
    }
    const coefficients = stage.groups.flatMap((group) => group.coefficients)
    if (stage.close) this.add(state, stage.close, stride, coefficients)
    this.stageCount++
  }

  /** Adds what a map makes of symbols' codes to a state. */
  add(state, map, stride, coefficients) {
    const { machine } = this
    machine.scoped(() => {
      const codes = machine.reserve(2 * STRIP * map.channels)
      const total = state.rows * state.columns
      for (let first = 0; first < total; first += STRIP) {
        const count = Math.min(STRIP, total - first)
        this.encode(machine.shorts(codes, count * map.channels), stride, coefficients, first, count)
        map.run('state', [codes], count, state.address + 2 * first * state.channels)
      }
    })
  }

  encode(out, stride, coefficients, first, count) {
    const symbols = this.symbols[stride]
    for (let i = 0, at = 0; i < count; i++) {
      const from = (first + i) * COEFFICIENTS[stride]
      for (let g = 0; g < coefficients.length; g++, at += ENCODING) encode(symbols[from + coefficients[g]], out, at)
    }
  }

  /** Decodes a group's symbols, in two halves if its positions see their neighbours. */
  group(stride, group, features) {
    const grey = this.settings.grey && isChroma(stride, group.coefficients)
    const coded = this.layer < this.settings.stop
    if (coded) this.source.begin(this.layer)
    const skipped = grey || !coded
    const adjustments = skipped ? null : this.adjustments()
    const decode = (positions) => skipped || this.decode(stride, group, adjustments, features, positions)
    const { rows, columns } = features
    const every = Uint32Array.from({ length: rows * columns }, (_, i) => i)
    if (this.stageCount >= this.maps.config.neighbours) {
      decode(every)
      return
    }
    const odd = (i) => (Math.floor(i / columns) + (i % columns)) & 1
    decode(every.filter((i) => !odd(i)))
    this.message(stride, group, features)
    decode(every.filter(odd))
  }

  /** Decodes how the scales and the tails of a group's priors are adjusted. */
  adjustments() {
    const found = this.source.residuals(Uint16Array.of(ADJUSTMENTS, ADJUSTMENTS))
    return [...found].map((move) => clamp(move, -LARGEST_ADJUSTMENT, LARGEST_ADJUSTMENT))
  }

  /** Tells the positions of the second half the symbols of the first. */
  message(stride, group, features) {
    const { machine } = this
    const { rows, columns, channels } = features
    const map = group.neighbours
    machine.scoped(() => {
      const codes = new PaddedRows(machine, { rows, columns, channels: map.channels }, (row, address) => {
        const out = machine.shorts(address, columns * map.channels)
        this.encode(out, stride, group.coefficients, row * columns, columns)
        for (let x = (row + 1) & 1; x < columns; x += 2) out.fill(0, x * map.channels, (x + 1) * map.channels)
      })
      const found = machine.reserve(columns * map.size('rounded'))
      for (let row = 0; row < rows; row++) {
        map.run('rounded', codes.around(row), columns, found)
        const messages = machine.integers(found, columns * map.padded)
        const out = machine.shorts(rowOf(features, row), columns * channels)
        for (let x = (row + 1) & 1; x < columns; x += 2) {
          for (let at = x * channels; at < (x + 1) * channels; at++) out[at] = within(out[at] + messages[at], LIGHT.limit)
        }
      }
    })
  }

  /** Decodes the symbols of some positions, in steps. */
  decode(stride, group, adjustments, features, positions) {
    for (let first = 0; first < positions.length; first += STEP) {
      this.step(stride, group, adjustments, features, positions.subarray(first, first + STEP))
    }
  }

  step(stride, group, adjustments, features, positions) {
    const { machine } = this
    const { coefficients, head } = group
    const count = positions.length
    const locations = new Int32Array(count * coefficients.length)
    const contexts = new Uint16Array(count * coefficients.length)
    const prior = group.prior(this.settings, adjustments)
    machine.scoped(() => {
      const seen = machine.reserve(2 * STRIP * features.channels)
      const sums = machine.reserve(STRIP * head.size('sums'))
      for (let i = 0; i < count; ) {
        const first = positions[i]
        const span = Math.min(STRIP, features.rows * features.columns - first)
        machine.run.activation(features.address + 2 * first * features.channels, seen, span * features.channels)
        head.run('sums', [seen], span, sums)
        const found = machine.integers(sums, span * head.padded)
        for (; i < count && positions[i] < first + span; i++) {
          prior.write(found, (positions[i] - first) * head.padded, locations, contexts, i, count)
        }
      }
    })
    const residuals = this.source.residuals(contexts)
    const symbols = this.symbols[stride]
    coefficients.forEach((number, g) => {
      for (let i = 0, at = g * count; i < count; i++, at++) {
        const symbol = clamp(locations[at] + residuals[at], -MOST, MOST)
        symbols[positions[i] * COEFFICIENTS[stride] + number] = symbol
      }
    })
  }
}
