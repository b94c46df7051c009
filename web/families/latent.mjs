/** A latent layer between the two chains: its heads, its codebooks and the embeddings of its symbols. */

import { Scores } from '../entropy/scores.mjs'
import { within } from '../kernels/states.mjs'
import { EMBEDDING, elu, embedded, stream } from './arithmetic.mjs'
import { FamilyMap } from './maps.mjs'
import { blocksOf } from './networks.mjs'

/** Maps a chain's values to embeddings of a layer's positions. */
class Head {
  constructor(machine, tensors, side, { width, dense, head_blocks: count, ...config }) {
    this.blocks = blocksOf(machine, tensors.below('blocks'), { width, ...config }, count)
    this.last = new FamilyMap(machine, tensors.below('last'), width, dense ? { taps: side ** 2 } : { square: true })
    this.dense = dense
  }

  /** Returns the embeddings, in steps of 2^-6. */
  run(d, side) {
    const h = elu(this.blocks.run(d, side))
    return Int16Array.from(this.dense ? this.last.rows(h) : this.last.square(h, side), embedded)
  }
}

/** A layer on a level. */
export class Latent {
  /**
   * Takes the layer's tensors.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {import('../weights/safetensors.mjs').Tensors} tensors
   * @param {object} config
   * @param {number} level
   */
  constructor(machine, tensors, config, level) {
    const side = config.sides[level]
    this.level = level
    this.side = side
    this.dense = config.dense
    this.positions = config.dense ? 1 : side ** 2
    this.variables = config.variables[level]
    this.symbols = config.symbols[level]
    const kind = config.latent_by_level?.[level] ?? config.latent
    const uniform = kind === 'nearest' || (level === config.sides.length - 1 && config.top_prior === 'uniform')
    this.codes = tensors.take('codebook.codes')
    this.size = this.codes.length / (this.variables * this.symbols)
    this.scores = kind === 'logits' ? null : this.codebooks(machine, tensors.below('codebook'))
    this.priorScores = config.prior === 'direct' ? null : this.scores
    const head = (name) => new Head(machine, tensors.below(name), side, config)
    this.priorHead = uniform ? null : head('prior_head')
    this.bottomUpHead = config.reversible ? head('bottom_up_head') : null
    this.topDownHead = config.reversible ? head('top_down_head') : null
    const vectors = this.variables * this.size
    const first = tensors.below('symbol_embedding.first')
    this.first = new FamilyMap(machine, first, vectors, config.dense ? { cells: side ** 2 } : { square: true })
    this.blocks = blocksOf(machine, tensors.below('symbol_embedding.blocks'), config, config.head_blocks)
  }

  /** Returns the scores under an embedding, for each variable. */
  codebooks(machine, tensors) {
    const { variables, symbols } = this
    const constant = tensors.take('constant', [variables, 1, symbols])
    const linear = tensors.take('linear')
    const width = linear.length / (variables * symbols)
    const quadratic = tensors.has('quadratic') ? tensors.take('quadratic', [variables, width, symbols]) : null
    const inputs = quadratic ? 2 * width : width
    return Array.from({ length: variables }, (_, v) => {
      const own = constant.subarray(v * symbols, (v + 1) * symbols)
      const factor = (symbol, i) => (i < width ? linear : quadratic)[(v * width + (i % width)) * symbols + symbol] / 2 ** 16
      return new Scores(machine, Float64Array.from(own, (value) => value / 2 ** 16), inputs, factor)
    })
  }

  /** Returns the prior's embedding given a chain's values; null if the prior is even. */
  prior(d) {
    return this.priorHead?.run(d, this.side) ?? null
  }

  /** Returns the posterior's embedding, given the values of both chains. */
  posterior(h, d) {
    const [own, other] = [this.bottomUpHead.run(h, this.side), this.topDownHead.run(d, this.side)]
    return own.map((e, i) => within(e + other[i], EMBEDDING))
  }

  /**
   * Calls a function with the scores of each row, by variable, then by image, then by position.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {(Int16Array | null)[]} embeddings Those of each image.
   * @param {Scores[] | null} scores Those of an embedding; without them it holds the scores themselves.
   * @param {(scores: Float64Array, row: number) => void} use
   * @param {boolean} [backwards] Whether the last row comes first.
   */
  eachRow(machine, embeddings, scores, use, backwards = false) {
    const { variables, positions, symbols } = this
    const each = embeddings.length * positions
    const total = variables * each
    const width = embeddings[0] ? embeddings[0].length / (variables * positions) : 0
    const even = new Float64Array(symbols)
    machine.scoped(() => {
      const work = scores?.map((one) => one.workspace())
      const numbers = work?.map((one) => one.numbers())
      for (let i = 0; i < total; i++) {
        const row = backwards ? total - 1 - i : i
        const v = Math.floor(row / each)
        const e = embeddings[Math.floor((row % each) / positions)]
        const from = ((row % positions) * variables + v) * width
        if (!e) use(even, row)
        else if (!numbers) use(Float64Array.from(e.subarray(from, from + width), (x) => x / 64), row)
        else {
          write(e, from, width, numbers[v].inputs)
          work[v].compute()
          use(numbers[v].scores, row)
        }
      }
    })
  }

  /** Returns what the symbols of an image leave for the chain, given all rows of a layer. */
  embedding(symbols, image, images) {
    const { variables, positions, size, codes, side } = this
    const vectors = new Int16Array(positions * variables * size)
    for (let p = 0, to = 0; p < positions; p++) {
      for (let v = 0; v < variables; v++) {
        const from = (v * this.symbols + symbols[(v * images + image) * positions + p]) * size
        for (let i = 0; i < size; i++, to++) vectors[to] = within(codes[from + i], 127)
      }
    }
    const mapped = this.dense ? this.first.rows(vectors) : this.first.square(vectors, side)
    return this.blocks.run(Int16Array.from(mapped, stream), side)
  }
}

/** Writes an embedding, in units, and its squares if there is room for them. */
function write(e, from, width, inputs) {
  for (let i = 0; i < width; i++) {
    const value = e[from + i] / 64
    inputs[i] = value
    if (inputs.length > width) inputs[width + i] = value * value
  }
}
