/** Reads whole numbers that are coded as tokens of a small alphabet, each followed by a number of raw bits. */

import { uniform } from './rans.mjs'

/** An alphabet of tokens that is symmetric about 0. */
export class TokenAlphabet {
  /**
   * Numbers the tokens.
   * @param {number} direct Numbers of at most this magnitude have a token each.
   * @param {number[]} buckets Bits that follow the further tokens, growing outwards on each side.
   */
  constructor(direct, buckets) {
    const bits = [...new Array(direct + 1).fill(0), ...buckets]
    this.size = 2 * (direct + buckets.length) + 1
    this.middle = (this.size - 1) / 2
    this.starts = new Int32Array(this.middle + 1)
    for (let i = 1; i <= this.middle; i++) this.starts[i] = this.starts[i - 1] + 2 ** bits[i - 1]
    this.bits = Uint8Array.from({ length: this.size }, (_, token) => bits[Math.abs(token - this.middle)])
    this.most = Math.max(...bits)
  }

  /** Returns the number of a token and the rest that its bits hold. */
  join(token, rest) {
    const signed = token - this.middle
    const size = this.starts[Math.abs(signed)] + rest
    return signed < 0 ? -size : size
  }
}

/** Returns the order of contexts: rising, and stable where they are equal. */
export function orderOf(contexts, rows) {
  const places = new Uint32Array(rows + 1)
  for (let i = 0; i < contexts.length; i++) places[contexts[i] + 1]++
  for (let row = 0; row < rows; row++) places[row + 1] += places[row]
  const order = new Uint32Array(contexts.length)
  for (let i = 0; i < contexts.length; i++) order[places[contexts[i]]++] = i
  return order
}

/**
 * Returns the residuals of a step: first come all tokens, by rising context, then the rests, those of the fewest bits
 * first.
 * @param {import('./rans.mjs').ChunkDecoder} decoder
 * @param {TokenAlphabet} alphabet
 * @param {import('./rans.mjs').Tables} tables
 * @param {ArrayLike<number>} contexts
 */
export function residualsOf(decoder, alphabet, tables, contexts) {
  const order = orderOf(contexts, tables.rows)
  const sorted = new Uint16Array(order.length)
  for (let i = 0; i < order.length; i++) sorted[i] = contexts[order[i]]
  const tokens = decoder.decode(tables, sorted)
  return joined(decoder, alphabet, tokens, order)
}

/** Reads the rests of tokens and returns the numbers, each at its place. */
export function joined(decoder, alphabet, tokens, order) {
  const rests = new Int32Array(tokens.length)
  const counts = new Uint32Array(alphabet.most + 1)
  for (const token of tokens) counts[alphabet.bits[token]]++
  for (let bits = 1; bits <= alphabet.most; bits++) {
    if (!counts[bits]) continue
    const found = decoder.decodeRow(uniform(bits), 0, counts[bits])
    for (let i = 0, j = 0; i < tokens.length; i++) if (alphabet.bits[tokens[i]] === bits) rests[i] = found[j++]
  }
  const residuals = new Int32Array(tokens.length)
  for (let i = 0; i < tokens.length; i++) residuals[order[i]] = alphabet.join(tokens[i], rests[i])
  return residuals
}
