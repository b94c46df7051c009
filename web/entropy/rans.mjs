/** The entropy decoder: rANS with a state of 64 bits, words of 32 bits and frequencies that sum to 2^24. */

import { crc32OfShorts } from '../bitstream/checksums.mjs'
import { FormatError } from '../bitstream/errors.mjs'

const TOTAL = 2 ** 24

/**
 * A stack of words and the state above it. The state is held in two numbers, of its upper 40 and its lower 24 bits, so
 * that all arithmetic stays below 2^53.
 */
export class Stack {
  /**
   * Starts from words, the last of which is on top.
   * @param {Uint32Array} words
   */
  constructor(words) {
    this.words = words
    this.left = words.length
    this.upper = 0
    this.lower = 0
    this.refill()
    this.refill()
  }

  /** Takes a word from the stack while the state is below 2^32. */
  refill() {
    if (this.upper >= 256 || !this.left) return
    const word = this.words[--this.left]
    const state = this.upper * TOTAL + this.lower
    this.upper = state * 256 + (word >>> 24)
    this.lower = word & 0xffffff
  }

  /** Removes a symbol whose interval begins at `left` and has the length `frequency`. */
  pop(left, frequency) {
    const high = Math.floor(this.upper / 65536)
    const low = this.upper - high * 65536
    const product = high * frequency // in units of 2^16
    const carried = Math.floor(product / 256)
    const rest = (product - carried * 256) * 65536 + low * frequency + this.lower - left
    const above = Math.floor(rest / TOTAL)
    this.upper = carried + above
    this.lower = rest - above * TOTAL
    this.refill()
  }

  /** Adds a symbol whose interval begins at `left` and has the length `frequency`. */
  push(left, frequency) {
    if (Math.floor(this.upper / 65536) >= frequency) this.spill()
    const first = Math.floor(this.upper / frequency)
    const rest = (this.upper - first * frequency) * TOTAL + this.lower
    const second = Math.floor(rest / frequency)
    this.upper = first * TOTAL + second
    this.lower = left + rest - second * frequency
  }

  /** Moves the lowest word of the state to the stack. */
  spill() {
    if (this.left === this.words.length) {
      const words = new Uint32Array(2 * this.left + 64)
      words.set(this.words)
      this.words = words
    }
    this.words[this.left++] = (this.upper % 256) * TOTAL + this.lower
    const state = Math.floor(this.upper / 256)
    this.upper = Math.floor(state / TOTAL)
    this.lower = state % TOTAL
  }

  /** Returns the state if the stack is empty, else -1. */
  get remainder() {
    return this.left ? -1 : this.upper * TOTAL + this.lower
  }
}

/** Distributions that many symbols share: a row of weights for each context, each of which sums to 2^24 - (K + 2). */
export class Tables {
  /**
   * Sums the weights up.
   * @param {ArrayLike<number>} weights Rows of K weights.
   * @param {number} symbols K.
   */
  constructor(weights, symbols) {
    this.symbols = symbols
    this.rows = weights.length / symbols
    this.starts = new Uint32Array(this.rows * (symbols + 1))
    for (let row = 0, at = 0; row < this.rows; row++) {
      let sum = 1
      for (let k = 0; k < symbols; k++, at++) {
        this.starts[at + row] = sum
        if (weights[at] < 0) throw new FormatError('the weights yield no valid frequencies')
        sum += weights[at] + 1
      }
      this.starts[at + row] = sum
      if (sum !== TOTAL - 1) throw new FormatError('the weights yield no valid frequencies')
    }
    this.shortcuts = new Array(this.rows)
  }

  /** Returns, for each upper byte of a slot, the symbol of the smallest slot with it. */
  shortcut(row) {
    const first = row * (this.symbols + 1)
    const found = new Uint16Array(256)
    for (let byte = 0, k = 0; byte < 256; byte++) {
      while (k + 1 < this.symbols && this.starts[first + k + 1] <= byte * 65536) k++
      found[byte] = k
    }
    this.shortcuts[row] = found
    return found
  }

  /** Pops a symbol under the row of a context. */
  pop(stack, context) {
    const slot = stack.lower
    if (slot === 0 || slot === TOTAL - 1) throw new FormatError('the symbols of a chunk are not valid')
    const { starts } = this
    const first = context * (this.symbols + 1)
    let k = (this.shortcuts[context] ?? this.shortcut(context))[slot >>> 16]
    while (starts[first + k + 1] <= slot) k++
    const left = starts[first + k]
    stack.pop(left, starts[first + k + 1] - left)
    return k
  }
}

/** Returns a table of one row for `size` symbols, as even as integers allow; what is over goes to 0. */
export function even(size) {
  const total = TOTAL - (size + 2)
  const weights = new Uint32Array(size).fill(Math.floor(total / size))
  weights[0] += total % size
  return new Tables(weights, size)
}

const UNIFORM = []

/** Returns the table of numbers of `bits` bits. */
export function uniform(bits) {
  return (UNIFORM[bits] ??= even(2 ** bits))
}

/** Decodes symbols from a stack. */
export class SymbolDecoder {
  /** @param {Stack} stack */
  constructor(stack) {
    this.stack = stack
  }

  /** Returns the next symbols, each under the row of its context. */
  decode(tables, contexts) {
    const symbols = new Uint16Array(contexts.length)
    for (let i = 0; i < contexts.length; i++) symbols[i] = tables.pop(this.stack, contexts[i])
    return this.checked(symbols)
  }

  /** Returns the next `count` symbols, all under one row. */
  decodeRow(tables, row, count) {
    const symbols = new Uint16Array(count)
    for (let i = 0; i < count; i++) symbols[i] = tables.pop(this.stack, row)
    return this.checked(symbols)
  }

  /** Takes notice of symbols that were popped from the stack, and returns them. */
  checked(symbols) {
    return symbols
  }
}

/** Decodes one chunk's symbols, and checks at its end that they were the right ones. */
export class ChunkDecoder extends SymbolDecoder {
  /**
   * Starts at the first symbol of a chunk.
   * @param {Uint8Array} payload
   */
  constructor(payload) {
    if (payload.length && payload[payload.length - 1] === 0) {
      throw new FormatError('a chunk is not valid: it ends in a zero byte')
    }
    const padded = new Uint8Array(Math.ceil(payload.length / 4) * 4)
    padded.set(payload)
    super(new Stack(wordsOf(padded)))
    this.crc = 0
  }

  /** Adds symbols that were popped from the stack to the check. */
  checked(symbols) {
    this.crc = crc32OfShorts(symbols, this.crc)
    return symbols
  }

  /** Checks that the chunk held exactly the symbols that were decoded. */
  finish() {
    if (this.stack.remainder !== (this.crc & 0xffff)) {
      throw new FormatError('the decoded symbols do not match their checksum')
    }
  }
}

/** Returns the words of some bytes. */
export function wordsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true))
}
