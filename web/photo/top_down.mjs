/** The top-down pass of the photograph network: in integers up to the symbols, in floats what they stand for. */

import { STRIP, finer, pointBlock, strips } from '../kernels/blocks.mjs'
import { addVector, stateOf, within } from '../kernels/states.mjs'
import { COEFFICIENTS, STRIDES, isChroma } from '../light/layout.mjs'
import { LightMap } from '../light/maps.mjs'
import { between } from '../weights/quality.mjs'
import { CHAIN, Layer } from './layer.mjs'

/** The maps of a stage. */
class Stage {
  constructor(machine, tensors, layers, width, { hidden, blocks, prior }) {
    const map = (name, channels, steps) => new LightMap(machine, tensors.below(name), channels, steps)
    this.quality = tensors.take('quality', [17, width])
    this.blocks = Array.from({ length: blocks }, (_, b) => [
      map(`blocks.${b}.spatial`, width, { to: 4 }),
      map(`blocks.${b}.point`, width),
    ])
    this.head = map('head', width)
    this.layers = layers.map((coefficients, i) => {
      return new Layer(machine, tensors.below(`layers.${i}`), coefficients, hidden, prior === 'direct')
    })
    this.close = map('close', this.layers.reduce((sum, layer) => sum + layer.dimensions, 0))
  }
}

/** All maps of the chain. */
export class Chain {
  /** Takes the tensors below `chain` of a weights file, and the coefficients of each layer of each stage, by stride. */
  constructor(machine, config, stages, tensors) {
    this.machine = machine
    this.config = config
    this.stages = {}
    STRIDES.forEach((stride, i) => {
      const below = (j) => tensors.below(`stages.${i}.${j}`)
      this.stages[stride] = stages[stride].map((layers, j) => new Stage(machine, below(j), layers, config.widths[stride], config))
    })
    const grow = (stride, i) => new LightMap(machine, tensors.below(`grow.${i}.point`), config.widths[stride])
    this.grow = STRIDES.slice(0, -1).map(grow)
  }
}

/** One pass: the state and the coefficients so far. */
export class Pass {
  /**
   * Prepares a pass.
   * @param {Chain} chain
   * @param {object} settings `width` and `height` of the image, `quality` of the network, whether the image is `grey`,
   *   and `stop`, the number of layers that are decoded.
   * @param {import('../entropy/chunks.mjs').ChunkReader} source
   */
  constructor(chain, settings, source) {
    this.chain = chain
    this.machine = chain.machine
    this.settings = settings
    this.source = source
    this.layer = this.stageCount = 0
    this.sizes = {}
    this.planes = {}
    for (const stride of STRIDES) {
      const [rows, columns] = [settings.height, settings.width].map((side) => Math.ceil(side / stride))
      this.sizes[stride] = { rows, columns }
      this.planes[stride] = new Float32Array(rows * columns * COEFFICIENTS[stride])
    }
  }

  /** Runs the pass through a stride; call it for each in turn. */
  runStride(stride) {
    const { machine, chain, settings } = this
    const { rows, columns } = this.sizes[stride]
    const next = stateOf(machine, rows, columns, chain.config.widths[stride])
    if (this.state) finer(machine, this.state, next, chain.grow[STRIDES.indexOf(stride) - 1], CHAIN)
    this.state = next
    for (const stage of chain.stages[stride]) {
      if (this.layer < settings.stop) machine.scoped(() => this.stage(stride, stage))
      else this.layer += stage.layers.length
      this.stageCount++
    }
  }

  stage(stride, stage) {
    const { machine, state } = this
    const vector = between(stage.quality, this.settings.quality, (sum) => Math.floor(sum / 256 + 0.5))
    addVector(machine, state, vector, CHAIN.limit)
    for (const [spatial, point] of stage.blocks) pointBlock(machine, state, spatial, point, CHAIN)
    const features = stateOf(machine, state.rows, state.columns, stage.head.outputs)
    strips(machine, state, CHAIN.seen, ({ address, count, first }) => {
      stage.head.run(CHAIN.added, [address], count, features.address + 2 * first * features.channels)
    })
    const symbols = stage.layers.map((layer) => this.symbols(stride, layer, features))
    this.close(stage, symbols)
  }

  /** Returns the symbols of a layer; they change the features. */
  symbols(stride, layer, features) {
    const { settings } = this
    const { rows, columns } = features
    const symbols = new Uint16Array(rows * columns).fill(layer.nullSymbol)
    const coded = this.layer < settings.stop
    const shown = coded && !(settings.grey && isChroma(stride, layer.coefficients))
    if (coded) this.source.begin(this.layer)
    this.layer++
    const { every, even, odd } = this.positions(stride)
    const decode = (positions) => {
      if (shown) layer.decode(this.source.open, features, positions, symbols, this.planes[stride])
      this.embed(layer, features, positions, symbols)
    }
    if (this.stageCount >= this.chain.config.neighbours) {
      decode(every)
      return symbols
    }
    decode(even)
    this.message(layer, features, odd, symbols)
    decode(odd)
    if (layer.embedding) this.message(layer, features, even, symbols)
    return symbols
  }

  /** Returns all positions of a stride, and its two halves. */
  positions(stride) {
    const { rows, columns } = this.sizes[stride]
    const isOdd = (i) => (Math.floor(i / columns) + (i % columns)) & 1
    if (this.known?.stride !== stride) {
      const every = Uint32Array.from({ length: rows * columns }, (_, i) => i)
      this.known = { stride, every, even: every.filter((i) => !isOdd(i)), odd: every.filter(isOdd) }
    }
    return this.known
  }

  /** Adds the embeddings of positions' own symbols to features. */
  embed({ embedding }, features, positions, symbols) {
    if (!embedding) return
    const { channels, rows, columns } = features
    const values = this.machine.shorts(features.address, rows * columns * channels)
    for (const position of positions) {
      const [to, from] = [position * channels, symbols[position] * channels]
      for (let c = 0; c < channels; c++) values[to + c] = within(values[to + c] + embedding[from + c], CHAIN.limit)
    }
  }

  /** Adds to the features of positions what the symbols above, below, to the left and to the right say. */
  message({ messages }, features, positions, symbols) {
    const { channels, rows, columns } = features
    const values = this.machine.shorts(features.address, rows * columns * channels)
    const sums = new Int32Array(channels)
    for (const position of positions) {
      const x = position % columns
      const sides = [position - columns, position + columns, x ? position - 1 : -1, x + 1 < columns ? position + 1 : -1]
      const to = position * channels
      for (let c = 0; c < channels; c++) sums[c] = values[to + c]
      for (let side = 0; side < 4; side++) {
        if (sides[side] < 0 || sides[side] >= symbols.length) continue
        const from = (4 * symbols[sides[side]] + side) * channels
        for (let c = 0; c < channels; c++) sums[c] += messages[from + c]
      }
      for (let c = 0; c < channels; c++) values[to + c] = within(sums[c], CHAIN.limit)
    }
  }

  /** Adds to the state what the map `close` makes of the symbols of a stage. */
  close({ layers, close }, symbols) {
    const { machine, state } = this
    const total = state.rows * state.columns
    machine.scoped(() => {
      const codes = machine.zeros(STRIP * close.channels)
      for (let first = 0; first < total; first += STRIP) {
        const count = Math.min(STRIP, total - first)
        const out = machine.shorts(codes, count * close.channels)
        let place = 0
        layers.forEach(({ codewords, dimensions }, l) => {
          for (let i = 0, to = place; i < count; i++, to += close.channels) {
            const from = symbols[l][first + i] * dimensions
            for (let c = 0; c < dimensions; c++) out[to + c] = codewords[from + c]
          }
          place += dimensions
        })
        close.run(CHAIN.added, [codes], count, state.address + 2 * first * state.channels)
      }
    })
  }
}

