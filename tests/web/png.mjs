/** Reads PNG files without interlacing, as the golden files are: what a screen shows, in 8 bits. */

import { inflateSync } from 'node:zlib'

const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

function chunksOf(data) {
  const chunks = {}
  for (let at = 8; at < data.length; ) {
    const size = data.readUInt32BE(at)
    const name = data.toString('latin1', at + 4, at + 8)
    const body = data.subarray(at + 8, at + 8 + size)
    chunks[name] = chunks[name] ? Buffer.concat([chunks[name], body]) : body
    at += 12 + size
  }
  return chunks
}

function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

function unfiltered(raw, height, row, step) {
  const out = Buffer.alloc(height * row)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)]
    for (let x = 0; x < row; x++) {
      const at = y * row + x
      const a = x >= step ? out[at - step] : 0
      const b = y ? out[at - row] : 0
      const c = x >= step && y ? out[at - row - step] : 0
      out[at] = raw[y * (row + 1) + 1 + x] + [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter]
    }
  }
  return out
}

/** Returns the samples of a PNG file, its size and its depth. */
export function samplesOf(data) {
  const chunks = chunksOf(data)
  const [width, height] = [chunks.IHDR.readUInt32BE(0), chunks.IHDR.readUInt32BE(4)]
  const [depth, kind] = [chunks.IHDR[8], chunks.IHDR[9]]
  const channels = CHANNELS[kind]
  const row = Math.ceil((width * channels * depth) / 8)
  const bytes = unfiltered(inflateSync(chunks.IDAT), height, row, Math.max(1, (channels * depth) >> 3))
  const samples = Array.from({ length: width * height * channels }, (_, i) => {
    const [y, x] = [Math.floor(i / (width * channels)), i % (width * channels)]
    if (depth === 16) return bytes.readUInt16BE(y * row + 2 * x)
    const bit = x * depth
    return (bytes[y * row + (bit >> 3)] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
  })
  return { width, height, depth, kind, channels, samples, chunks }
}

/** Returns red, green, blue and alpha of a PNG file. */
export function rgbaOf(data) {
  const { width, height, depth, kind, channels, samples, chunks } = samplesOf(data)
  const out = new Uint8ClampedArray(4 * width * height)
  const white = 2 ** depth - 1
  const shown = (sample) => Math.floor((sample * 255 + white / 2) / white)
  for (let i = 0; i < width * height; i++) {
    const own = samples.slice(i * channels, (i + 1) * channels)
    if (kind === 3) {
      const entry = chunks.PLTE.subarray(3 * own[0], 3 * own[0] + 3)
      out.set([...entry, chunks.tRNS?.[own[0]] ?? 255], 4 * i)
    } else if (channels > 2) out.set([...own.slice(0, 3), own[3] ?? white].map(shown), 4 * i)
    else out.set([own[0], own[0], own[0], own[1] ?? white].map(shown), 4 * i)
  }
  return { width, height, data: out }
}
