/** Undoes raw deflate (RFC 1951), strictly: bounded output, no bytes behind it. */

import { FormatError } from '../bitstream/errors.mjs'
import { BitReader, Broken, PrefixCode } from './bits.mjs'

const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const LENGTHS = LENGTH_BITS.map((_, i) => 3 + LENGTH_BITS.slice(0, i).reduce((sum, bits) => sum + 2 ** bits, 0))
LENGTHS[28] = 258
const DISTANCES = Array.from({ length: 30 }, (_, i) => (i < 4 ? i + 1 : (2 + (i & 1)) * 2 ** ((i >> 1) - 1) + 1))
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const FIXED = {
  literal: new PrefixCode(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  distance: new PrefixCode(new Array(32).fill(5)),
}
/** One symbol of one bit, or none, may leave codes over. */
const lone = (used, longest) => used === 0 || (used === 1 && longest === 1)

/** The bytes that a stream has made so far. */
class Output {
  constructor(limit, likely) {
    this.limit = limit
    this.bytes = new Uint8Array(Math.min(limit, likely))
    this.length = 0
  }

  /** Makes room for `count` more bytes. */
  reserve(count) {
    const needed = this.length + count
    if (needed > this.limit) throw new RangeError('more bytes than there may be')
    if (needed <= this.bytes.length) return
    const wider = new Uint8Array(Math.min(this.limit, Math.max(needed, 2 * this.bytes.length)))
    wider.set(this.bytes.subarray(0, this.length))
    this.bytes = wider
  }

  /** Repeats bytes from `back` bytes before the end. */
  repeat(back, count) {
    if (back > this.length) throw new Broken()
    this.reserve(count)
    const { bytes } = this
    for (const end = this.length + count; this.length < end; this.length++) bytes[this.length] = bytes[this.length - back]
  }
}

function dynamicCodes(reader) {
  const literals = reader.take(5) + 257
  const distances = reader.take(5) + 1
  const count = reader.take(4) + 4
  if (literals > 286 || distances > 30) throw new Broken()
  const small = new Array(19).fill(0)
  for (let i = 0; i < count; i++) small[ORDER[i]] = reader.take(3)
  const lengths = codeLengths(reader, new PrefixCode(small), literals + distances)
  if (!lengths[256]) throw new Broken()
  const literal = new PrefixCode(lengths.slice(0, literals), lone)
  return { literal, distance: new PrefixCode(lengths.slice(literals), lone) }
}

function codeLengths(reader, code, total) {
  const lengths = []
  while (lengths.length < total) {
    const symbol = code.read(reader)
    if (symbol < 16) {
      lengths.push(symbol)
      continue
    }
    if (symbol === 16 && !lengths.length) throw new Broken()
    const value = symbol === 16 ? lengths[lengths.length - 1] : 0
    const times = symbol === 16 ? 3 + reader.take(2) : symbol === 17 ? 3 + reader.take(3) : 11 + reader.take(7)
    for (let i = 0; i < times; i++) lengths.push(value)
  }
  if (lengths.length > total) throw new Broken()
  return lengths
}

function compressedBlock(reader, out, { literal, distance }) {
  for (;;) {
    const symbol = literal.read(reader)
    if (symbol === 256) return
    if (symbol < 256) {
      out.reserve(1)
      out.bytes[out.length++] = symbol
      continue
    }
    if (symbol > 285) throw new Broken()
    const length = LENGTHS[symbol - 257] + reader.take(LENGTH_BITS[symbol - 257])
    const far = distance.read(reader)
    if (far > 29) throw new Broken()
    out.repeat(DISTANCES[far] + reader.take(far < 2 ? 0 : (far >> 1) - 1), length)
  }
}

function storedBlock(reader, out) {
  reader.drop(reader.held & 7)
  const size = reader.take(16)
  if (reader.take(16) !== (size ^ 0xffff)) throw new Broken()
  out.reserve(size)
  for (let i = 0; i < size; i++) out.bytes[out.length++] = reader.take(8)
}

function blocks(reader, out) {
  for (let last = 0; !last; ) {
    last = reader.take(1)
    const kind = reader.take(2)
    if (kind === 3) throw new Broken()
    if (kind === 0) storedBlock(reader, out)
    else compressedBlock(reader, out, kind === 1 ? FIXED : dynamicCodes(reader))
  }
}

/**
 * Returns the bytes that raw deflate holds.
 * @param {Uint8Array} data
 * @param {number} limit Most bytes that may come out.
 * @param {string} name What messages call the data.
 */
export function inflate(data, limit, name) {
  const reader = new BitReader(data)
  const out = new Output(limit, Math.max(1024, 4 * data.length))
  const wrongLength = new FormatError(`${name}: compressed data do not have the right length`)
  try {
    blocks(reader, out)
  } catch (error) {
    if (error instanceof Broken) throw new FormatError(`${name}: compressed data are not valid`)
    throw error instanceof RangeError ? wrongLength : error
  }
  if (reader.used < data.length) throw wrongLength
  return out.bytes.subarray(0, out.length)
}
