/** Reads the residuals of a strip's planes, with and without a memory of the colours so far. */

import { TokenAlphabet, joined } from '../../entropy/residuals.mjs'
import { ColourMemory, NONE } from '../memory/slots.mjs'
import { ValueMemory } from '../memory/values.mjs'

/** The tokens of residuals. */
export const ALPHABET = new TokenAlphabet(20, [2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8])
const KEYS = [1, 2 ** 8]

/** Reads the symbols of a strip. */
export class PlaneSource {
  /**
   * Starts at the first symbol.
   * @param {import('../../entropy/rans.mjs').ChunkDecoder} decoder
   * @param {{weights: Int32Array, tables: import('../../entropy/rans.mjs').Tables}} model
   * @param {number} memories The planes with a memory, as bits.
   */
  constructor(decoder, { weights, tables }, memories) {
    this.decoder = decoder
    this.tables = tables
    this.memories = [0, 1, 2].map((plane) => {
      if (!(memories & (1 << plane))) return null
      return plane === 2 ? new ColourMemory(weights) : new ValueMemory(weights, KEYS[plane])
    })
    this.order = new Uint32Array(0)
  }

  /** Returns the residuals of a step. */
  residuals(plane, step) {
    const memory = this.memories[plane]
    if (!memory) return this.joined(this.decoder.decode(this.tables, step.contexts.subarray(0, step.count)))
    if (plane === 2) return this.byColours(memory, step)
    const found = this.joined(this.decoder.checked(memory.tokens(this.decoder.stack, step)))
    memory.learn(found)
    return found
  }

  byColours(memory, step) {
    const { count, contexts, middles, keys } = step
    const { asked, symbols } = memory.candidates(this.decoder.stack, step)
    this.decoder.checked(symbols)
    const residuals = new Int32Array(count)
    const open = new Uint8Array(count).fill(1)
    asked.forEach((i, j) => {
      if (symbols[j] === NONE) return
      open[i] = 0
      residuals[i] = memory.residual(keys[i], symbols[j], middles[i])
    })
    const left = Uint32Array.from({ length: count }, (_, i) => i).filter((i) => open[i])
    const others = this.joined(this.decoder.decode(this.tables, Int32Array.from(left, (i) => contexts[i])))
    left.forEach((i, j) => (residuals[i] = others[j]))
    memory.learn(symbols, step, residuals)
    return residuals
  }

  /** Reads the rests of tokens, which follow them, and returns the residuals. */
  joined(tokens) {
    if (this.order.length < tokens.length) this.order = Uint32Array.from(tokens, (_, i) => i)
    return joined(this.decoder, ALPHABET, tokens, this.order)
  }
}
