/** An entropy-coded image of VP8L: literals, repetitions and a cache of colours under prefix codes. */

import { Broken, PrefixCode } from './bits.mjs'

const ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
const LENGTHS = 24
const NEAR = [
  0x18, 0x07, 0x17, 0x19, 0x28, 0x06, 0x27, 0x29, 0x16, 0x1a, 0x26, 0x2a, 0x38, 0x05, 0x37, 0x39, 0x15, 0x1b, 0x36, 0x3a, 0x25,
  0x2b, 0x48, 0x04, 0x47, 0x49, 0x14, 0x1c, 0x35, 0x3b, 0x46, 0x4a, 0x24, 0x2c, 0x58, 0x45, 0x4b, 0x34, 0x3c, 0x03, 0x57, 0x59,
  0x13, 0x1d, 0x56, 0x5a, 0x23, 0x2d, 0x44, 0x4c, 0x55, 0x5b, 0x33, 0x3d, 0x68, 0x02, 0x67, 0x69, 0x12, 0x1e, 0x66, 0x6a, 0x22,
  0x2e, 0x54, 0x5c, 0x43, 0x4d, 0x65, 0x6b, 0x32, 0x3e, 0x78, 0x01, 0x77, 0x79, 0x53, 0x5d, 0x11, 0x1f, 0x64, 0x6c, 0x42, 0x4e,
  0x76, 0x7a, 0x21, 0x2f, 0x75, 0x7b, 0x31, 0x3f, 0x63, 0x6d, 0x52, 0x5e, 0x00, 0x74, 0x7c, 0x41, 0x4f, 0x10, 0x20, 0x62, 0x6e,
  0x30, 0x73, 0x7d, 0x51, 0x5f, 0x40, 0x72, 0x7e, 0x61, 0x6f, 0x50, 0x71, 0x7f, 0x60, 0x70,
]

/** A code of a single symbol, which takes no bits. */
class Constant {
  constructor(symbol) {
    this.symbol = symbol
  }

  read() {
    return this.symbol
  }
}

function readCode(reader, size) {
  const lengths = new Uint8Array(size)
  if (reader.take(1)) {
    const two = reader.take(1)
    const symbols = [reader.take(reader.take(1) ? 8 : 1)]
    if (two) symbols.push(reader.take(8))
    if (symbols.some((symbol) => symbol >= size)) throw new Broken()
    for (const symbol of symbols) lengths[symbol] = 1
  } else readLengths(reader, lengths)
  const used = lengths.reduce((count, length) => count + (length ? 1 : 0), 0)
  return used === 1 ? new Constant(lengths.findIndex((length) => length)) : new PrefixCode(lengths)
}

function readLengths(reader, lengths) {
  const small = new Uint8Array(19)
  const count = 4 + reader.take(4)
  for (let i = 0; i < count; i++) small[ORDER[i]] = reader.take(3)
  const used = small.filter((length) => length).length
  const code = used === 1 ? new Constant(small.findIndex((length) => length)) : new PrefixCode(small)
  let left = reader.take(1) ? 2 + reader.take(2 + 2 * reader.take(3)) : lengths.length
  if (left > lengths.length) throw new Broken()
  for (let at = 0, last = 8; at < lengths.length && left > 0; left--) {
    const symbol = code.read(reader)
    if (symbol < 16) {
      lengths[at++] = symbol
      last = symbol || last
      continue
    }
    const times = symbol === 16 ? 3 + reader.take(2) : symbol === 17 ? 3 + reader.take(3) : 11 + reader.take(7)
    if (at + times > lengths.length) throw new Broken()
    lengths.fill(symbol === 16 ? last : 0, at, at + times)
    at += times
  }
}

/** The codes of green (with lengths and cached colours), red, blue, alpha and distances. */
function readGroup(reader, cached) {
  return [256 + LENGTHS + cached, 256, 256, 256, 40].map((size) => readCode(reader, size))
}

/** Returns the number that a prefix and its bits stand for. */
function prefixed(reader, prefix) {
  if (prefix < 4) return prefix + 1
  const bits = (prefix - 2) >> 1
  const low = bits > 16 ? reader.take(16) + reader.take(bits - 16) * 65536 : reader.take(bits)
  return (2 + (prefix & 1)) * 2 ** bits + low + 1
}

function distanceOf(code, width) {
  if (code > NEAR.length) return code - NEAR.length
  const place = NEAR[code - 1]
  return Math.max((place >> 4) * width + 8 - (place & 15), 1)
}

/** Reads which group of codes each square of an image has. */
function readGroups(reader, width, height, cached, main) {
  if (!main || !reader.take(1)) return { bits: 15, columns: 1, indices: [0], groups: [readGroup(reader, cached)] }
  const bits = reader.take(3) + 2
  const columns = (width + (1 << bits) - 1) >> bits
  const coded = codedImage(reader, columns, (height + (1 << bits) - 1) >> bits, false)
  const indices = Uint16Array.from(coded, (colour) => (colour >>> 8) & 0xffff)
  const count = indices.reduce((most, index) => Math.max(most, index + 1), 0)
  return { bits, columns, indices, groups: Array.from({ length: count }, () => readGroup(reader, cached)) }
}

/** The colours that a cache holds. */
class Cache {
  constructor(bits) {
    this.shift = 32 - bits
    this.colours = new Uint32Array(1 << bits)
  }

  add(colour) {
    this.colours[Math.imul(0x1e35a7bd, colour) >>> this.shift] = colour
  }
}

/**
 * Reads an image; only the main one may have several groups of codes.
 * @returns {Uint32Array}
 */
export function codedImage(reader, width, height, main) {
  const cacheBits = reader.take(1) ? reader.take(4) : 0
  if (cacheBits > 11) throw new Broken()
  const cache = cacheBits ? new Cache(cacheBits) : null
  const { bits, columns, indices, groups } = readGroups(reader, width, height, cache ? cache.colours.length : 0, main)
  const pixels = new Uint32Array(width * height)
  for (let at = 0, x = 0, y = 0; at < pixels.length; ) {
    const codes = groups[indices[(y >> bits) * columns + (x >> bits)]]
    const symbol = codes[0].read(reader)
    let count = 1
    if (symbol < 256) pixels[at] = literal(reader, codes, symbol)
    else if (symbol >= 256 + LENGTHS) pixels[at] = cache.colours[symbol - 256 - LENGTHS]
    else {
      count = prefixed(reader, symbol - 256)
      const distance = distanceOf(prefixed(reader, codes[4].read(reader)), width)
      if (distance > at || at + count > pixels.length) throw new Broken()
      for (let i = 0; i < count; i++) pixels[at + i] = pixels[at + i - distance]
    }
    if (cache) for (let i = 0; i < count; i++) cache.add(pixels[at + i])
    at += count
    x += count
    while (x >= width) {
      x -= width
      y++
    }
  }
  return pixels
}

function literal(reader, codes, green) {
  const red = codes[1].read(reader)
  const blue = codes[2].read(reader)
  return (codes[3].read(reader) << 24) | (red << 16) | (green << 8) | blue
}
