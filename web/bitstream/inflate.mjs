/** Undoes raw deflate (RFC 1951), strictly: bounded output, no bytes behind it. */

import { FormatError } from './errors.mjs'

const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289,
  16385, 24577,
]
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Raised inside for data that no deflate stream has. */
class Broken extends Error {}

/** The bits of a stream, low ones first, and the bytes that it has made so far. */
class Stream {
  constructor(data, limit) {
    this.data = data
    this.limit = limit
    this.position = 0
    this.bits = 0
    this.held = 0
    this.out = new Uint8Array(Math.min(limit, Math.max(1024, 4 * data.length)))
    this.length = 0
  }

  /** Returns the next `count` bits as a number. */
  take(count) {
    while (this.held < count) {
      if (this.position >= this.data.length) throw new RangeError('cut short')
      this.bits |= this.data[this.position++] << this.held
      this.held += 8
    }
    const value = this.bits & ((1 << count) - 1)
    this.bits >>>= count
    this.held -= count
    return value
  }

  /** Makes room for `count` more bytes. */
  reserve(count) {
    const needed = this.length + count
    if (needed > this.limit) throw new RangeError('too long')
    if (needed <= this.out.length) return
    const wider = new Uint8Array(Math.min(this.limit, Math.max(needed, 2 * this.out.length)))
    wider.set(this.out.subarray(0, this.length))
    this.out = wider
  }
}

/** Returns a decoder's tables for the code lengths of symbols; an incomplete or oversubscribed code is Broken. */
function codeOf(lengths, { incomplete = false } = {}) {
  const counts = new Uint16Array(16)
  for (const length of lengths) counts[length]++
  counts[0] = 0
  let left = 1
  for (let length = 1; length < 16; length++) {
    left = 2 * left - counts[length]
    if (left < 0) throw new Broken()
  }
  const used = counts.reduce((sum, count) => sum + count, 0)
  if (left > 0 && !(incomplete && (used === 0 || (used === 1 && counts[1] === 1)))) throw new Broken()
  const starts = new Uint16Array(16)
  for (let length = 1; length < 15; length++) starts[length + 1] = starts[length] + counts[length]
  const symbols = new Uint16Array(lengths.length)
  lengths.forEach((length, symbol) => {
    if (length) symbols[starts[length]++] = symbol
  })
  return { counts, symbols }
}

function symbolOf(stream, { counts, symbols }) {
  let code = 0
  let first = 0
  let index = 0
  for (let length = 1; length < 16; length++) {
    code |= stream.take(1)
    const count = counts[length]
    if (code - count < first) return symbols[index + (code - first)]
    index += count
    first = (first + count) << 1
    code <<= 1
  }
  throw new Broken()
}

const FIXED = {
  literal: codeOf(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  distance: codeOf(new Array(32).fill(5)),
}

function dynamicCodes(stream) {
  const literals = stream.take(5) + 257
  const distances = stream.take(5) + 1
  const count = stream.take(4) + 4
  if (literals > 286 || distances > 30) throw new Broken()
  const small = new Array(19).fill(0)
  for (let i = 0; i < count; i++) small[ORDER[i]] = stream.take(3)
  const code = codeOf(small)
  const lengths = []
  while (lengths.length < literals + distances) {
    const symbol = symbolOf(stream, code)
    if (symbol < 16) lengths.push(symbol)
    else if (symbol === 16 && !lengths.length) throw new Broken()
    else {
      const value = symbol === 16 ? lengths[lengths.length - 1] : 0
      const times = symbol === 16 ? 3 + stream.take(2) : symbol === 17 ? 3 + stream.take(3) : 11 + stream.take(7)
      for (let i = 0; i < times; i++) lengths.push(value)
    }
  }
  if (lengths.length > literals + distances || !lengths[256]) throw new Broken()
  const literal = codeOf(lengths.slice(0, literals), { incomplete: true })
  return { literal, distance: codeOf(lengths.slice(literals), { incomplete: true }) }
}

function compressedBlock(stream, { literal, distance }) {
  for (;;) {
    const symbol = symbolOf(stream, literal)
    if (symbol === 256) return
    if (symbol < 256) {
      stream.reserve(1)
      stream.out[stream.length++] = symbol
      continue
    }
    if (symbol > 285) throw new Broken()
    const length = LENGTHS[symbol - 257] + stream.take(LENGTH_BITS[symbol - 257])
    const far = symbolOf(stream, distance)
    if (far > 29) throw new Broken()
    const back = DISTANCES[far] + stream.take(far < 2 ? 0 : (far >> 1) - 1)
    if (back > stream.length) throw new Broken()
    stream.reserve(length)
    for (let i = 0; i < length; i++, stream.length++) stream.out[stream.length] = stream.out[stream.length - back]
  }
}

function storedBlock(stream) {
  stream.bits = stream.held = 0
  const size = stream.take(16)
  if (stream.take(16) !== (size ^ 0xffff)) throw new Broken()
  if (stream.position + size > stream.data.length) throw new RangeError('cut short')
  stream.reserve(size)
  stream.out.set(stream.data.subarray(stream.position, stream.position + size), stream.length)
  stream.position += size
  stream.length += size
}

/**
 * Returns the bytes that raw deflate holds.
 * @param {Uint8Array} data
 * @param {number} limit Most bytes that may come out.
 * @param {string} name What messages call the data.
 */
export function inflate(data, limit, name) {
  const stream = new Stream(data, limit)
  try {
    let last = 0
    while (!last) {
      last = stream.take(1)
      const kind = stream.take(2)
      if (kind === 3) throw new Broken()
      if (kind === 0) storedBlock(stream)
      else compressedBlock(stream, kind === 1 ? FIXED : dynamicCodes(stream))
    }
  } catch (error) {
    if (error instanceof Broken) throw new FormatError(`${name}: compressed data are not valid`)
    if (error instanceof RangeError) throw new FormatError(`${name}: compressed data do not have the right length`)
    throw error
  }
  if (stream.position < data.length) throw new FormatError(`${name}: compressed data do not have the right length`)
  return stream.out.subarray(0, stream.length)
}
