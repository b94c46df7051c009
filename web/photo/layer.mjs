/** A layer of the photograph network: its prior, and what its symbols stand for. */

import { Scores, popScored } from '../entropy/scores.mjs'
import { STRIP, strips } from '../kernels/blocks.mjs'
import { within } from '../kernels/states.mjs'
import { LightMap } from '../light/maps.mjs'

const { floor } = Math
/** Coordinates of a codeword beside the values. */
export const CONTEXT = 12
/** The kernels that the chain's blocks are made of. */
export const CHAIN = { seen: 'signed', hidden: 'byte', added: 'stream', limit: 15 * 2 ** 8 }

/** A layer's maps and tables. */
export class Layer {
  /**
   * Takes a layer's tensors.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {import('../weights/safetensors.mjs').Tensors} tensors
   * @param {number[]} coefficients Their numbers among those of the stride.
   * @param {number} hidden Features of a position.
   * @param {boolean} direct Whether the prior head gives the scores themselves.
   */
  constructor(machine, tensors, coefficients, hidden, direct) {
    this.machine = machine
    this.coefficients = coefficients
    const size = coefficients.length
    const [symbols] = tensors.shape('values')
    this.dimensions = size + CONTEXT
    this.nullSymbol = tensors.take('null_symbol', [])[0]
    this.values = tensors.take('values', [symbols, size])
    const context = tensors.take('context', [symbols, CONTEXT])
    this.codewords = this.codes(symbols, size, context)
    const to = direct ? 8 : Array.from({ length: this.dimensions }, (_, i) => (i < size ? 5 : 6))
    this.head = new LightMap(machine, tensors.below('prior_head'), hidden, { to })
    this.scores = direct ? null : scoresOf(machine, tensors, this.values, context)
    this.mean = { weight: tensors.take('mean.weight', [size, hidden]), bias: tensors.take('mean.bias', [size]) }
    this.embedding = this.table(tensors, 'symbol_embedding', 2 * CHAIN.limit)
    this.messages = this.table(tensors, 'neighbour_embedding', CHAIN.limit)
  }

  /** Returns what maps see of each symbol, in steps of 2^-4. */
  codes(symbols, size, context) {
    const found = new Int16Array(symbols * this.dimensions)
    for (let k = 0, to = 0; k < symbols; k++) {
      for (let i = 0; i < size; i++, to++) found[to] = within(floor(this.values[k * size + i] / 8 + 0.5), 127)
      for (let i = 0; i < CONTEXT; i++, to++) found[to] = within(context[k * CONTEXT + i], 127)
    }
    return found
  }

  /** Returns what a map makes of each symbol, rounded; null without the map. */
  table(tensors, name, limit) {
    if (!tensors.has(name)) return null
    const { machine, codewords, dimensions } = this
    const symbols = codewords.length / dimensions
    return machine.scoped(() => {
      const map = new LightMap(machine, tensors.below(name), dimensions)
      const codes = machine.zeros(symbols * map.channels)
      const placed = machine.shorts(codes, symbols * map.channels)
      for (let k = 0; k < symbols; k++) placed.set(codewords.subarray(k * dimensions, (k + 1) * dimensions), k * map.channels)
      const out = machine.reserve(symbols * map.size('rounded'))
      map.run('rounded', [codes], symbols, out)
      const found = machine.integers(out, symbols * map.padded)
      return Int16Array.from({ length: symbols * map.outputs }, (_, i) => {
        return within(found[floor(i / map.outputs) * map.padded + (i % map.outputs)], limit)
      })
    })
  }

  /**
   * Decodes the symbols of some positions, in rising order, and adds what they stand for to coefficients.
   * @param {import('../entropy/rans.mjs').ChunkDecoder} decoder
   * @param {import('../kernels/states.mjs').State} features
   * @param {Uint32Array} positions
   * @param {Uint16Array} symbols All of the layer; those of the positions are written.
   * @param {Float32Array} plane All coefficients of the stride, position by position.
   */
  decode(decoder, features, positions, symbols, plane) {
    const { machine, head } = this
    const found = new Uint16Array(positions.length)
    const width = plane.length / (features.rows * features.columns)
    machine.scoped(() => {
      const work = this.scores?.workspace() ?? direct(this.codewords.length / this.dimensions)
      const out = machine.reserve(STRIP * head.size('rounded'))
      let i = 0
      strips(machine, features, 'activation', ({ address, count, first }) => {
        if (i === positions.length || positions[i] >= first + count) return
        head.run('rounded', [address], count, out)
        const outputs = machine.integers(out, count * head.padded)
        const numbers = work.numbers()
        const seen = machine.shorts(address, count * features.channels)
        for (; i < positions.length && positions[i] < first + count; i++) {
          const at = positions[i] - first
          this.embed(outputs, at * head.padded, numbers)
          work.compute()
          found[i] = popScored(decoder.stack, numbers.scores)
          this.add(found[i], seen, at * features.channels, plane, positions[i] * width)
        }
      })
    })
    decoder.checked(found)
    for (let i = 0; i < found.length; i++) symbols[positions[i]] = found[i]
  }

  /** Writes the squares of a position's embedding, and the embedding; or, without codebooks, the scores. */
  embed(outputs, at, { inputs, scores }) {
    const { dimensions } = this
    if (!this.scores) {
      for (let k = 0; k < scores.length; k++) scores[k] = within(outputs[at + k], 31 * 64) / 64
      return
    }
    const size = dimensions - CONTEXT
    for (let i = 0; i < dimensions; i++) {
      const e = i < size ? within(outputs[at + i], 255 * 8) / 8 : within(outputs[at + i], 15 * 64) / 64
      inputs[i] = e * e
      inputs[dimensions + i] = e
    }
  }

  /** Adds a symbol's values and the prediction from features to coefficients. */
  add(symbol, seen, at, plane, place) {
    const { coefficients, values, mean } = this
    const size = coefficients.length
    const hidden = mean.weight.length / size
    for (let i = 0, from = 0; i < size; i++) {
      let sum = 0
      for (let j = 0; j < hidden; j++, from++) sum += mean.weight[from] * seen[at + j]
      plane[place + coefficients[i]] += values[symbol * size + i] / 16 + 4 * (sum / 16 + mean.bias[i])
    }
  }
}

/** Returns a place for scores that are not computed from embeddings. */
function direct(symbols) {
  const scores = new Float64Array(symbols)
  return { numbers: () => ({ scores }), compute: () => {} }
}

function scoresOf(machine, tensors, values, context) {
  const size = values.length / (context.length / CONTEXT)
  const constants = Float64Array.from(tensors.take('constant'), (value) => value / 2 ** 16)
  const near = tensors.take('value_precision', [constants.length, size])
  const far = tensors.take('context_precision', [constants.length, CONTEXT])
  const dimensions = size + CONTEXT
  return new Scores(machine, constants, 2 * dimensions, (symbol, input) => {
    const i = input % dimensions
    const [precision, mean] =
      i < size
        ? [near[symbol * size + i] / 2 ** 24, values[symbol * size + i] / 16]
        : [far[symbol * CONTEXT + i - size] / 2 ** 12, context[symbol * CONTEXT + i - size] / 16]
    return input < dimensions ? -precision : 2 * precision * mean
  })
}
