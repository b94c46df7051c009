/** Samples of 9 to 16 bits, each coded given those before it, without a network. */

import { FormatError, TruncatedFile } from '../bitstream/errors.mjs'
import { stripRows } from '../bitstream/container.mjs'
import { Reader } from '../bitstream/reader.mjs'
import { BitReader } from '../compression/bits.mjs'
import { inflate } from '../compression/inflate.mjs'
import { ChunkDecoder, Tables } from '../entropy/rans.mjs'
import { CONTEXTS, OTHER, OWN, Plane } from './deep_prediction.mjs'

const { floor, max, min } = Math
const TOKENS = 56
const ORDER = { 1: [0], 2: [0, 1], 3: [1, 0, 2], 4: [1, 0, 2, 3] }

const strip = (what) => new FormatError(`a strip of the pixels is not valid: ${what}`)

/** Returns the samples of a deep image, whose first section gives its levels. */
export function deepSamples(sections, { width, height, white }, channels, onProgress) {
  const levels = levelsOf(sections[0], white)
  const samples = new Uint16Array(width * height * channels)
  const rows = stripRows(width)
  sections.slice(1).forEach((section, i) => {
    const count = min(rows, height - i * rows)
    const planes = stripPlanes(section, count, width, channels)
    planes.forEach((plane, p) => {
      for (let at = 0, to = i * rows * width * channels + ORDER[channels][p]; at < plane.length; at++, to += channels) {
        if (plane[at] >= levels.length) throw new FormatError('the pixels are not valid: a level that the image does not have')
        samples[to] = levels[plane[at]]
      }
    })
    onProgress((i + 1) / (sections.length - 1))
  })
  return samples
}

function levelsOf(section, white) {
  const body = section.subarray(1)
  const every = Array.from({ length: white + 1 }, (_, level) => level)
  if (section[0] === 0 && !body.length) return every
  const size = floor(white / 8) + 1
  const bits = section[0] === 1 ? inflate(body, size, 'the levels of the pixels') : new Uint8Array(0)
  const present = (level) => (bits[level >> 3] >> (level & 7)) & 1
  const found = every.filter(present)
  const beyond = Array.from({ length: 8 * size - white - 1 }, (_, i) => white + 1 + i).some(present)
  if (bits.length !== size || !found.length || beyond) throw new FormatError('the levels of the pixels are not valid')
  return found
}

/** Returns the ranks of each plane of a strip. */
export function stripPlanes(section, height, width, channels) {
  const reader = new Reader(section)
  let [limits, raw] = [[], new Uint8Array(0)]
  try {
    limits = limitsOf(reader, channels)
    if (limits.some(({ low, high }) => low < high)) raw = reader.take(reader.varint('the raw bits', section.length))
  } catch (error) {
    if (error instanceof TruncatedFile) throw strip('it ends too early')
    throw error
  }
  const rest = section.subarray(reader.position)
  const varied = []
  for (const limit of limits) if (limit.coefficients) varied.push(new Plane(limit, varied.slice(), height, width))
  if (varied.length) new Strip(varied, height, width, raw, rest).run()
  else if (rest.length) throw strip('bytes follow its end')
  let next = 0
  return limits.map(({ low, high }) => (low < high ? ranksOf(varied[next++]) : new Uint16Array(width * height).fill(low)))
}

function limitsOf(reader, channels) {
  const limits = Array.from({ length: channels }, () => ({ low: reader.number(2), high: reader.number(2) }))
  if (limits.some(({ low, high }) => low > high)) throw strip('its limits')
  let before = 0
  for (const limit of limits) {
    if (limit.low === limit.high) continue
    const count = 2 * (OWN.length + before++ * OTHER.length)
    limit.coefficients = Array.from({ length: count }, () => (reader.number(2) << 16) >> 16)
  }
  return limits
}

function ranksOf(plane) {
  const found = new Uint16Array(plane.height * plane.width)
  for (let y = 0; y < plane.height; y++) {
    found.set(plane.samples.subarray(plane.place(y, 0), plane.place(y, plane.width)), y * plane.width)
  }
  return found
}

/** Counts of tokens by context. */
class Counts {
  constructor(planes) {
    const first = Array.from({ length: CONTEXTS }, (_, context) => geometric(2 ** min(context >> 1, 4))).flat()
    this.counts = Float64Array.from(Array.from({ length: planes }, () => first).flat())
    this.waiting = []
    this.noted = 0
    this.tables = this.weights()
  }

  /** Takes the cells of a wavefront's tokens. */
  note(cells) {
    for (const cell of cells) this.waiting.push(cell)
    this.noted += cells.length
    if (this.waiting.length < min(max(64, floor(this.noted / 16)), 2048)) return
    for (const cell of this.waiting) this.counts[cell] += 32
    this.waiting = []
    for (let at = 0; at < this.counts.length; at += TOKENS) {
      const row = this.counts.subarray(at, at + TOKENS)
      if (row.reduce((a, b) => a + b) > 2 ** 17) row.forEach((count, i) => (row[i] = (count + 1) >> 1))
    }
    this.tables = this.weights()
  }

  weights() {
    const total = 2 ** 24 - (TOKENS + 2)
    const found = new Uint32Array(this.counts.length)
    for (let at = 0; at < found.length; at += TOKENS) {
      const row = this.counts.subarray(at, at + TOKENS)
      const sum = row.reduce((a, b) => a + b)
      let left = total
      for (let i = 0; i < TOKENS; i++) left -= found[at + i] = floor((row[i] * total) / sum)
      found[at + TOKENS / 2] += left
    }
    return new Tables(found, TOKENS)
  }
}

/** Returns the first counts of a context. */
function geometric(scale) {
  const terms = new Array(2 ** 16).fill(0)
  terms[0] = 2 ** 24
  for (let i = 1; terms[i - 1]; i++) terms[i] = floor((terms[i - 1] * (scale + 2)) / (scale + 10))
  const sum = (values) => values.reduce((a, b) => a + b, 0)
  const doublings = Array.from({ length: 12 }, (_, j) => sum(terms.slice(2 ** (j + 4), 2 ** (j + 5))))
  const side = [...terms.slice(0, 16), ...doublings]
  const counts = side.map((each) => max(1, floor((64 * each) / sum(side))))
  return [...counts.slice().reverse(), ...counts]
}

/** Decodes the planes of a strip, wavefront by wavefront. */
class Strip {
  constructor(planes, height, width, raw, chunk) {
    Object.assign(this, { planes, height, width, raw })
    this.bits = new BitReader(raw)
    this.decoder = new ChunkDecoder(chunk)
    this.counts = new Counts(planes.length)
    this.errors = new Int32Array(height)
  }

  run() {
    try {
      for (let t = 0; t < this.width + 2 * (this.height - 1); t++) this.front(t)
    } catch (error) {
      throw error instanceof RangeError ? new FormatError('the raw bits of the pixels end too early') : error
    }
    this.decoder.finish()
    const left = 8 * (this.raw.length - this.bits.used) + (this.bits.held & 7)
    if (left >= 8 || (left && this.bits.take(left))) throw new FormatError('the raw bits of the pixels are not used up')
  }

  front(t) {
    const [first, end] = [max(0, (t - this.width + 2) >> 1), min(this.height - 1, t >> 1) + 1]
    const cells = []
    this.planes.forEach((plane, index) => {
      const symbols = []
      for (let y = first; y < end; y++) symbols.push(this.pixel(plane, index, y, t - 2 * y, cells))
      this.decoder.checked(symbols)
    })
    this.counts.note(cells)
  }

  pixel(plane, index, y, x, cells) {
    const at = plane.place(y, x)
    const blend = plane.predict(at, this.errors[y])
    const own = plane.context(at, this.errors[y])
    const token = this.counts.tables.pop(this.decoder.stack, index * CONTEXTS + own)
    cells.push((index * CONTEXTS + own) * TOKENS + token)
    const error = this.errorOf(token, max((own >> 1) - 4, 0))
    const sample = blend + error
    if (sample < plane.low || sample > plane.high) throw strip('a sample outside its limits')
    plane.keep(y, x, at, sample, error)
    this.errors[y] = error
    return token
  }

  /** Returns the error of a token and of the raw bits that follow it. */
  errorOf(token, low) {
    const place = token < 28 ? 27 - token : token - 28
    const doubling = place < 16 ? 0 : place - 12
    const size = doubling + low
    const raw = size > 16 ? this.bits.take(16) + 65536 * this.bits.take(size - 16) : this.bits.take(size)
    const high = (place < 16 ? place : 2 ** doubling) + floor(raw / 2 ** low)
    return (token < 28 ? -high - 1 : high) * 2 ** low + (raw % 2 ** low)
  }
}
