/** The coefficients of the components of decoded JPEG images: diagonal by diagonal, each in two stages. */

import { FormatError } from '../bitstream/errors.mjs'
import { Reader } from '../bitstream/reader.mjs'
import { BitReader } from '../compression/bits.mjs'
import { ChunkDecoder, Tables } from '../entropy/rans.mjs'
import { stripPlanes } from './deep.mjs'
import { WEIGHTS } from './jpeg_weights.mjs'

const { abs, floor, max, min } = Math
const LARGEST = 32767
const LARGEST_SIZE = 65535
const BORDER = [362, 502, 473, 426, 362, 284, 196, 100]
const EDGES = [
  4, 5, 7, 9, 13, 17, 24, 32, 44, 59, 80, 108, 146, 197, 267, 360, 487, 657, 887, 1198, 1617, 2184, 2948, 3980,
]
const LEVELS = EDGES.length + 1
const TOKENS = 28
/** The frequencies (u, v) of each diagonal, as 8 u + v. */
const DIAGONALS = Array.from({ length: 15 }, (_, d) => {
  return Array.from({ length: 8 }, (_, u) => u).filter((u) => d - u >= 0 && d - u < 8).map((u) => 8 * u + d - u)
})
const ROWS = new Map()
for (let d = 1, at = 0; d < 15; d++) {
  for (let u = max(0, d - 7); 2 * u <= d; u++, at += 2) ROWS.set(8 * u + d - u, [WEIGHTS[at], WEIGHTS[at + 1]])
}

const invalid = (what) => new FormatError(`the pixels are not valid: ${what}`)

/** Distributions of one sort of tokens, which adapt batch by batch. */
class Adaptive {
  constructor(first, symbols) {
    this.counts = Float64Array.from(first)
    this.symbols = symbols
    this.total = 0
    this.renew()
  }

  renew() {
    const { counts, symbols } = this
    const weights = new Uint32Array(counts.length)
    for (let at = 0; at < counts.length; at += symbols) {
      let sum = 0
      for (let i = 0; i < symbols; i++) sum += counts[at + i]
      if (sum > 2 ** 17) {
        sum = 0
        for (let i = 0; i < symbols; i++) sum += counts[at + i] = floor((counts[at + i] + 1) / 2)
      }
      let left = 2 ** 24 - symbols - 2
      const whole = left
      for (let i = 0; i < symbols; i++) left -= weights[at + i] = floor((counts[at + i] * whole) / sum)
      weights[at] += left
    }
    this.tables = new Tables(weights, symbols)
  }

  /** Returns the tokens of contexts. */
  decode(decoder, contexts) {
    const found = new Uint16Array(contexts.length)
    for (let at = 0; at < contexts.length; ) {
      const end = min(contexts.length, at + min(max(64, floor(this.total / 16)), 2048))
      found.set(decoder.decode(this.tables, contexts.subarray(at, end)), at)
      this.total += end - at
      for (; at < end; at++) this.counts[contexts[at] * this.symbols + found[at]] += 32
      this.renew()
    }
    return found
  }
}

function firstCounts() {
  const levels = [2, ...EDGES].map((mean) => {
    const terms = new Array(2 ** 16).fill(0)
    terms[0] = 2 ** 24
    for (let i = 1; terms[i - 1]; i++) terms[i] = floor((terms[i - 1] * mean) / (mean + 128))
    const sum = (values) => values.reduce((a, b) => a + b, 0)
    const shares = [...terms.slice(0, 16), ...Array.from({ length: 12 }, (_, j) => sum(terms.slice(2 ** (j + 4), 2 ** (j + 5))))]
    const all = sum(shares)
    return shares.map((share) => 1 + floor((2048 * share) / all))
  })
  return [...levels, ...levels, ...levels].flat()
}

/** A component: its coefficients and their sizes, by frequency and block. */
class Component {
  constructor(means, rows, columns, steps, present, other) {
    Object.assign(this, { rows, columns, steps, other, count: rows * columns })
    this.present = Array.from({ length: 64 }, (_, k) => (present[k >> 3] >> (k & 7)) & 1)
    this.weights = new Map()
    this.coefficients = Array.from({ length: 64 }, (_, k) => (k && !this.present[k] ? null : new Int32Array(this.count)))
    means.forEach((mean, i) => (this.coefficients[0][i] = mean - 32768))
    this.sizes = this.present.map((there, k) => (k && there ? new Int32Array(this.count) : null))
    this.borders = Array.from({ length: 4 }, () => Array.from({ length: 8 }, () => new Int32Array(this.count)))
    if (this.coefficients[0].some((mean) => abs(mean) * steps[0] > LARGEST)) throw invalid('a mean is too large')
    this.touch(0)
  }

  /** Adds the coefficients of a frequency to the borders. */
  touch(k) {
    const [u, v] = [k >> 3, k & 7]
    const [left, right, top, bottom] = [this.borders[0][u], this.borders[1][u], this.borders[2][v], this.borders[3][v]]
    const values = this.coefficients[k]
    for (let i = 0; i < this.count; i++) {
      const beside = values[i] * this.steps[k] * BORDER[v]
      const above = values[i] * this.steps[k] * BORDER[u]
      left[i] += beside
      right[i] += v % 2 ? -beside : beside
      top[i] += above
      bottom[i] += u % 2 ? -above : above
    }
  }

  /** Returns the predictions of a frequency, and what is left in parts of a step. */
  predicted(k) {
    const [u, v, step] = [k >> 3, k & 7, this.steps[k]]
    const [a, b] = this.weights.get(k) ?? [0, 0]
    const [left, right, top, bottom] = [this.borders[0][u], this.borders[1][u], this.borders[2][v], this.borders[3][v]]
    const whole = new Int32Array(this.count)
    const parts = new Int32Array(this.count)
    const [across, down, most, { columns }] = [v % 2 ? -1 : 1, u % 2 ? -1 : 1, floor(LARGEST / step), this]
    for (let r = 0, i = 0; r < this.rows; r++) {
      for (let c = 0; c < columns; c++, i++) {
        const beside = (c ? right[i - 1] - left[i] : 0) + (c + 1 < columns ? across * (left[i + 1] - right[i]) : 0)
        const above =
          (r ? bottom[i - columns] - top[i] : 0) + (r + 1 < this.rows ? down * (top[i + columns] - bottom[i]) : 0)
        const t = floor((a * beside + b * above) / (step * 2 ** 14))
        const n = floor((t + 8) / 16)
        whole[i] = max(-most, min(most, n))
        parts[i] = t + 8 - 16 * n
      }
    }
    return { whole, parts }
  }

  /** Returns the levels of a frequency in the blocks of a stage. */
  levels(k, stage, blocks) {
    const [u, v] = [k >> 3, k & 7]
    const turned = u > v
    const [low, high, d] = [min(u, v), max(u, v), u + v]
    const weights = ROWS.get(8 * low + high)[stage]
    const own = (i, j) => (i >= 0 && j >= 0 && i < 8 && j < 8 && i + j && i + j < d ? this.sizes[turned ? 8 * j + i : 8 * i + j] : null)
    const [x, y, same] = [own(low, high - 1), own(low - 1, high), this.sizes[k]]
    const [beside, above] = turned ? [1, 0] : [0, 1]
    const seen = [
      [0, x, 2], [1, y, 2], [2, own(low - 1, high - 1), 2], [3, own(low, high - 2), 2], [4, own(low - 2, high), 2],
      [5, own(low - 2, high + 1), 2], [5, own(low + 1, high - 2), 2],
      [6, x, beside], [7, y, above], [8, y, beside], [9, x, above],
      [10, own(low - 2, high - 1), 2], [10, own(low - 1, high - 2), 2], [10, own(low, high - 3), 2], [10, own(low - 3, high), 2],
      ...(stage ? [[11, same, above], [12, same, beside]] : [[11, x, 3], [11, y, 3]]),
      [13, this.other ? this.other.sizes[k] : null, 2],
    ].filter(([w, sizes]) => sizes && weights[w])
    const step = this.steps[k]
    return blocks.map((i) => {
      let total = weights[14] * step
      for (const [w, sizes, where] of seen) total += weights[w] * (where === 2 ? sizes[i] : this.around(sizes, i, where))
      const size = floor(total / step)
      let level = 0
      while (level < EDGES.length && EDGES[level] <= size) level++
      return level
    })
  }

  /** Returns the sum of the blocks to the left and right (0), above and below (1), or at the corners (3). */
  around(sizes, i, where) {
    const { columns, rows } = this
    const c = i % columns
    const r = (i - c) / columns
    if (where === 0) return (c ? sizes[i - 1] : 0) + (c + 1 < columns ? sizes[i + 1] : 0)
    if (where === 1) return (r ? sizes[i - columns] : 0) + (r + 1 < rows ? sizes[i + columns] : 0)
    return (r ? this.around(sizes, i - columns, 0) : 0) + (r + 1 < rows ? this.around(sizes, i + columns, 0) : 0)
  }
}

/** Decodes the passes over the components of a section. */
class Decoder {
  constructor(raw, chunk) {
    this.raw = raw
    this.bits = new BitReader(raw)
    this.chunk = new ChunkDecoder(chunk)
    this.sizes = new Adaptive(firstCounts(), TOKENS)
    this.signs = new Adaptive(new Array(2 * 192).fill(64), 2)
  }

  component(one) {
    const stages = [0, 1].map((stage) => {
      const odd = (i) => (floor(i / one.columns) + (i % one.columns)) % 2
      return Uint32Array.from({ length: one.count }, (_, i) => i).filter((i) => odd(i) === stage)
    })
    for (let d = 1; d < 15; d++) {
      const there = DIAGONALS[d].filter((k) => one.present[k])
      if (there.length) this.diagonal(one, there, d === 1 ? 0 : d < 6 ? 1 : 2, stages)
    }
  }

  diagonal(one, there, group, stages) {
    const predicted = there.map((k) => one.predicted(k))
    stages.forEach((blocks, stage) => {
      if (blocks.length) this.stage(one, there, group, blocks, stage, predicted)
    })
    there.forEach((k, n) => {
      const values = one.coefficients[k]
      for (let i = 0; i < one.count; i++) {
        values[i] += predicted[n].whole[i]
        if (abs(values[i]) * one.steps[k] > LARGEST) throw invalid('a coefficient is too large')
      }
      one.touch(k)
    })
  }

  stage(one, there, group, blocks, stage, predicted) {
    const contexts = new Uint32Array(there.length * blocks.length)
    there.forEach((k, n) => contexts.set(one.levels(k, stage, blocks).map((level) => level + group * LEVELS), n * blocks.length))
    const sizes = Int32Array.from(this.sizes.decode(this.chunk, contexts), (token) => this.magnitude(token))
    const some = []
    const signContexts = []
    sizes.forEach((size, at) => {
      if (!size) return
      const n = floor(at / blocks.length)
      some.push(at)
      signContexts.push((16 * group + predicted[n].parts[blocks[at % blocks.length]]) * 4 + min(size, 4) - 1)
    })
    const signs = this.signs.decode(this.chunk, Uint32Array.from(signContexts))
    some.forEach((at, i) => {
      const [k, block] = [there[floor(at / blocks.length)], blocks[at % blocks.length]]
      one.coefficients[k][block] = signs[i] ? -sizes[at] : sizes[at]
      one.sizes[k][block] = min(sizes[at] * one.steps[k], LARGEST_SIZE)
    })
  }

  magnitude(token) {
    return token < 16 ? token : 2 ** (token - 12) + this.bits.take(token - 12)
  }

  finish() {
    this.chunk.finish()
    const left = 8 * (this.raw.length - this.bits.used) + (this.bits.held & 7)
    if (left >= 8 || (left && this.bits.take(left))) throw new FormatError('the raw bits of the pixels are not used up')
  }
}

/** Returns the components of a section. */
export function readComponents(section, rows, columns, count, steps) {
  const reader = new Reader(section)
  const means = stripPlanes(reader.take(reader.varint('the means', section.length)), rows, columns, count)
  const every = []
  for (let i = 0; i < count; i++) {
    every.push(new Component(means[i], rows, columns, steps, reader.take(8), every[0]))
  }
  readWeights(reader, every)
  const coded = every.some((one) => one.present.some((there, k) => k && there))
  const raw = coded ? reader.take(reader.varint('the raw bits', section.length)) : new Uint8Array(0)
  const decoder = new Decoder(raw, section.subarray(reader.position))
  try {
    every.forEach((one) => decoder.component(one))
    decoder.finish()
  } catch (error) {
    throw error instanceof RangeError ? new FormatError('the raw bits of the pixels end too early') : error
  }
  return every
}

function readWeights(reader, every) {
  const diagonals = reader.number(1)
  if (diagonals > 14) throw invalid('more frequencies than there are')
  for (const one of every) {
    for (const k of DIAGONALS.slice(1, diagonals + 1).flat().filter((k) => one.present[k])) {
      const read = [0, 0].map(() => (reader.number(1) << 24) >> 24)
      if (read.some((weight) => weight === -128)) throw invalid('a weight is too large')
      one.weights.set(k, read)
    }
  }
}
