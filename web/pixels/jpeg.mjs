/** Images that were decoded from JPEG files: the coefficients, and the pixels that a JPEG decoder makes of them. */

import { FormatError, TruncatedFile } from '../bitstream/errors.mjs'
import { Reader } from '../bitstream/reader.mjs'
import { inflate } from '../compression/inflate.mjs'
import { readComponents } from './jpeg_components.mjs'

const { ceil, floor, max, min } = Math
const bytes = (text) => Array.from({ length: 64 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16))
const STANDARD = [
  '100b0a101828333d0c0c0e131a3a3c370e0d1018283945380e11161d3357503e12162538446d674d182337405168715c31404e5767797865485c5f6270646763',
  `1112182f${'63'.repeat(4)}12151a42${'63'.repeat(4)}181a38${'63'.repeat(5)}2f42${'63'.repeat(38)}`,
].map(bytes)
const UPPER = [
  [8192, 11363, 10703, 9633, 8192, 6437, 4433, 2260],
  [8192, 9633, 4433, -2259, -8192, -11362, -10704, -6436],
  [8192, 6437, -4433, -11362, -8192, 2261, 10704, 9633],
  [8192, 2260, -10703, -6436, 8192, 9633, -4433, -11363],
]
/** The factor of input u in output i of a pass is at 8 i + u. */
const MATRIX = [...UPPER, ...UPPER.toReversed().map((row) => row.map((n, u) => (u % 2 ? -n : n)))].flat()

const invalid = (what) => new FormatError(`the pixels are not valid: ${what}`)

/** Returns the samples of an image without its alpha channel, one or three a pixel. */
export function jpegSamples(sections, header, onProgress = () => {}) {
  try {
    return decoded(sections, header, onProgress)
  } catch (error) {
    throw error instanceof TruncatedFile ? invalid('a section ends too early') : error
  }
}

function decoded(sections, { width, height, grey }, onProgress) {
  const frame = readFrame(new Reader(sections[0]), width, height, grey)
  const planes = [planesOf(sections[1], frame, 0)].flat()
  onProgress(0.6)
  if (!grey) planes.push(...planesOf(sections[2], frame, 1).map((plane) => enlarged(plane, frame)))
  onProgress(0.9)
  const samples = new Uint8Array(width * height * (grey ? 1 : 3))
  for (let y = 0, to = 0; y < height; y++) {
    const from = (y + frame.top) * frame.width + frame.left
    for (let x = 0; x < width; x++, to += grey ? 1 : 3) {
      if (grey) samples[to] = planes[0].data[from + x]
      else paint(samples, to, planes[0].data[from + x], planes[1][from + x] - 128, planes[2][from + x] - 128)
    }
  }
  correct(samples, sections.at(-1), width, height, grey)
  onProgress(1)
  return samples
}

function paint(samples, to, y, blue, red) {
  samples[to] = clamped(y + ((91881 * red + 32768) >> 16))
  samples[to + 1] = clamped(y + ((32768 - 22554 * blue - 46802 * red) >> 16))
  samples[to + 2] = clamped(y + ((116130 * blue + 32768) >> 16))
}

const clamped = (value) => max(0, min(255, value))

function readFrame(reader, width, height, grey) {
  const form = reader.number(1)
  const [top, left, bottom, right] = [0, 0, 0, 0].map(() => reader.number(1))
  if (form > 7 || max(top, left, bottom, right) > 31 || ((form & 3) === 0) !== grey) throw invalid('their frame')
  const steps = STANDARD.slice(0, grey ? 1 : 2).map((entries) => readSteps(reader, entries))
  if (reader.position !== reader.data.length) throw invalid('bytes follow their frame')
  const [high, wide] = [height + top + bottom, width + left + right]
  return { top, left, height: high, width: wide, sampling: form & 3, smooth: form > 3, steps }
}

function readSteps(reader, entries) {
  const quality = reader.number(1)
  if (quality >= 1 && quality <= 100) {
    const percent = quality < 50 ? floor(5000 / quality) : 200 - 2 * quality
    return entries.map((entry) => max(1, min(255, floor((entry * percent + 50) / 100))))
  }
  const steps = [...reader.take(64)]
  if (quality || steps.includes(0)) throw invalid('their quantisation tables')
  return steps
}

/** Returns the samples of luma, or of both components of chroma. */
function planesOf(section, frame, chroma) {
  const height = ceil(frame.height / (chroma && frame.sampling === 3 ? 2 : 1))
  const width = ceil(frame.width / (chroma && frame.sampling > 1 ? 2 : 1))
  const [rows, columns] = [ceil(height / 8), ceil(width / 8)]
  const every = readComponents(section, rows, columns, chroma ? 2 : 1, frame.steps[chroma])
  return every.map((one) => ({ data: samplesOf(one, height, width), height, width }))
}

/** Returns the samples of a component. */
function samplesOf(one, height, width) {
  const data = new Uint8Array(height * width)
  const [values, across] = [new Float64Array(64), new Float64Array(64)]
  const used = one.coefficients.map((plane, k) => [k, plane]).filter(([, plane]) => plane)
  for (let block = 0; block < one.count; block++) {
    values.fill(0)
    for (const [k, plane] of used) values[k] = plane[block] * one.steps[k]
    for (let i = 0; i < 8; i++) {
      for (let v = 0; v < 8; v++) {
        let sum = 0
        for (let u = 0; u < 8; u++) sum += MATRIX[8 * i + u] * values[8 * u + v]
        across[8 * i + v] = floor(sum / 2048 + 0.5)
      }
    }
    const [top, left] = [8 * floor(block / one.columns), 8 * (block % one.columns)]
    for (let i = 0; i < min(8, height - top); i++) {
      for (let j = 0; j < min(8, width - left); j++) {
        let sum = 0
        for (let v = 0; v < 8; v++) sum += MATRIX[8 * j + v] * across[8 * i + v]
        data[(top + i) * width + left + j] = clamped(floor(sum / 262144 + 0.5) + 128)
      }
    }
  }
  return data
}

/** Returns chroma in the size of the frame. */
function enlarged({ data, height, width }, frame) {
  if (frame.sampling === 1) return data
  const found = new Uint8Array(frame.height * frame.width)
  const smooth = frame.smooth && width >= 3
  const row = new Int32Array(width)
  const [before, after, bits] = frame.sampling === 2 ? [1, 2, 2] : [8, 7, 4]
  for (let y = 0; y < frame.height; y++) {
    const own = frame.sampling === 3 ? y >> 1 : y
    const next = frame.sampling === 3 ? max(0, min(height - 1, own + (y % 2 ? 1 : -1))) : own
    for (let x = 0; x < width; x++) {
      row[x] = data[own * width + x] * (smooth && frame.sampling === 3 ? 3 : 1)
      if (smooth && frame.sampling === 3) row[x] += data[next * width + x]
    }
    for (let x = 0; x < frame.width; x++) {
      const near = x >> 1
      const beside = row[max(0, min(width - 1, near + (x % 2 ? 1 : -1)))]
      found[y * frame.width + x] = smooth ? (3 * row[near] + beside + (x % 2 ? after : before)) >> bits : row[near]
    }
  }
  return found
}

/** Adds what the pixels of some blocks have more. */
function correct(samples, section, width, height, grey) {
  if (section.length === 1 && section[0] === 0) return
  const wrong = new FormatError('the corrections of the pixels are not valid')
  if (section[0] !== 1) throw wrong
  const columns = ceil(width / 8)
  const count = ceil(height / 8) * columns
  const size = ceil(count / 8)
  const body = inflate(section.subarray(1), size + samples.length, 'the corrections of the pixels')
  if (body.length < size || (count % 8 && body[size - 1] >> count % 8)) throw wrong
  const inside = []
  for (let at = 0; at < width * height; at++) {
    const block = (floor(at / width) >> 3) * columns + (at % width >> 3)
    if ((body[block >> 3] >> (block & 7)) & 1) inside.push(at)
  }
  if (body.length !== size + inside.length * (grey ? 1 : 3)) throw wrong
  inside.forEach((at, i) => {
    const green = body[size + i]
    if (grey) return (samples[at] += green)
    samples[3 * at] += body[size + inside.length + i] + green
    samples[3 * at + 1] += green
    samples[3 * at + 2] += body[size + 2 * inside.length + i] + green
  })
}
