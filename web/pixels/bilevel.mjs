/** Black and white pixels: each is coded given those before it, by a small network or, far from ink, by a table. */

import { FormatError } from '../bitstream/errors.mjs'
import { tilesOfStrip } from '../bitstream/container.mjs'
import { ChunkDecoder, Tables } from '../entropy/rans.mjs'
import { BilevelNetwork } from './bilevel_network.mjs'
import { weightsOfTwo } from './two_symbols.mjs'

const { ceil, floor, max, min } = Math
const SIDE = 4096
/** First and last row, first and last column of the rectangles in which ink is counted, relative to the pixel. */
const RECTANGLES = [
  [0, 0, -40, -1],
  [-3, 0, -14, -1],
  [-5, -1, -12, 5],
  [-7, 0, -12, -1],
  [-7, 0, -96, -1],
  [-48, -1, -8, 5],
  [-16, -4, 0, 20],
  [-15, 0, -24, -1],
]
const SHIFTS = RECTANGLES.map(([top, bottom, left, right]) => {
  const area = (bottom - top + 1) * (right - left + 1)
  return max(0, 32 - Math.clz32(area) - 7)
})
const FAR = 14 * 32

/** The model of a weights file. */
export class BilevelModel {
  /** Takes what a weights file holds. */
  constructor(machine, { about, tensors }) {
    const { rows, columns, depth } = about.config
    this.machine = machine
    this.columns = columns
    this.network = new BilevelNetwork(machine, depth, tensors.below('net'), FAR)
    this.quiet = new Tables(tensors.take('quiet', [256, 2]), 2)
    this.scores = new Tables(Array.from({ length: 2 * FAR + 1 }, (_, i) => weightsOfTwo((i - FAR) / 32)).flat(), 2)
    this.neighbours = neighboursOf(rows, columns)
    this.rectangles = [...RECTANGLES, [-rows, -1, -columns, columns], [0, 0, -columns, -1]]
  }
}

function neighboursOf(rows, columns) {
  const found = []
  for (let dy = -rows; dy <= 0; dy++) for (let dx = -columns; dx <= (dy ? columns : -1); dx++) found.push([dy, dx])
  return found.sort(([a, b], [c, d]) => a * a + b * b - c * c - d * d || a - c || b - d)
}

/** A tile, and what is known of it so far. */
class Tile {
  constructor(top, left, rows, columns, model) {
    Object.assign(this, { top, left, rows, columns, model })
    this.ink = new Uint8Array(rows * columns)
    this.above = new Uint16Array((rows + 1) * columns) // ink above a pixel in its column
    this.counts = new Int32Array(rows * model.rectangles.length)
  }

  /** Returns the ink in some rows of a column, relative to row y. */
  column(x, y, first, last) {
    if (x < 0 || x >= this.columns) return 0
    return this.above[max(0, y + last + 1) * this.columns + x] - this.above[max(0, y + first) * this.columns + x]
  }

  /** Moves the rectangles of a row on to column x. */
  move(y, x) {
    const { rectangles } = this.model
    for (let i = 0, at = y * rectangles.length; i < rectangles.length; i++, at++) {
      const [first, last, left, right] = rectangles[i]
      if (x) this.counts[at] += this.column(x + right, y, first, last) - this.column(x + left - 1, y, first, last)
      else for (let dx = max(left, 0); dx <= right; dx++) this.counts[at] += this.column(dx, y, first, last)
    }
    return y * rectangles.length
  }

  /** Sets the inputs of a pixel from number `to` on; returns false for a pixel that is far from ink. */
  enter(y, x, inputs, to) {
    const { counts } = this
    const at = this.move(y, x)
    if (!(counts[at + 8] + counts[at + 9])) return false
    const { neighbours } = this.model
    for (let i = 0; i < neighbours.length; i++, to++) {
      const [dy, dx] = neighbours[i]
      const inside = y + dy >= 0 && x + dx >= 0 && x + dx < this.columns
      inputs[to] = !inside ? 0 : this.ink[(y + dy) * this.columns + x + dx] ? -16 : 16
    }
    for (let i = 0; i < 8; i++, to++) inputs[to] = counts[at + i] >> SHIFTS[i]
    return true
  }

  /** Takes the ink of a pixel. */
  put(y, x, ink) {
    const place = y * this.columns + x
    this.ink[place] = ink
    this.above[place + this.columns] = this.above[place] + ink
  }

  /** Returns the row of `quiet` of a pixel that was entered. */
  context(y) {
    const at = y * this.model.rectangles.length
    let row = 0
    for (let i = 0; i < 8; i++) if (this.counts[at + i]) row += 1 << i
    return row
  }
}

/** Returns the samples of a bilevel image, 0 and 255, from its strips. */
export function bilevelSamples(strips, { width, height }, model, onProgress) {
  const samples = new Uint8Array(width * height)
  const tiles = []
  for (let top = 0; top < height; top += SIDE) for (let left = 0; left < width; left += SIDE) tiles.push([top, left])
  const count = tilesOfStrip(height, width)
  strips.forEach((strip, i) => {
    const own = tiles.slice(i * count, (i + 1) * count).map(([top, left]) => {
      return new Tile(top, left, min(SIDE, height - top), min(SIDE, width - left), model)
    })
    const paper = decodeStrip(strip, own, model)
    for (const tile of own) place(tile, paper, samples, width)
    onProgress((i + 1) / strips.length)
  })
  return samples
}

/** Decodes the tiles of a strip, and returns the sample of paper. */
function decodeStrip(strip, tiles, model) {
  if (strip[0] > 1) throw new FormatError('a strip of the pixels is not valid')
  const decoder = new ChunkDecoder(strip.subarray(1))
  const step = model.columns + 1
  const last = max(...tiles.map(({ rows, columns }) => columns - 1 + step * (rows - 1)))
  const most = tiles.reduce((sum, { rows, columns }) => sum + min(rows, ceil(columns / step)), 0)
  model.machine.scoped(() => {
    model.network.reserve(most)
    for (let t = 0; t <= last; t++) decoder.checked(decodeFront(tiles, t, step, model, decoder.stack))
  })
  decoder.finish()
  return strip[0] ? 0 : 255
}

/** Decodes the pixels of a wavefront, which do not depend on each other, and returns their symbols. */
function decodeFront(tiles, t, step, model, stack) {
  const { network } = model
  const front = []
  let near = 0
  for (const tile of tiles) {
    const first = max(0, ceil((t - tile.columns + 1) / step))
    for (let y = first; y <= min(tile.rows - 1, floor(t / step)); y++) {
      const entered = tile.enter(y, t - step * y, network.inputs, near * network.step)
      front.push({ tile, y, row: entered ? near++ : -1 })
    }
  }
  const scores = network.run(near)
  return front.map(({ tile, y, row }) => {
    const symbol = row < 0 ? model.quiet.pop(stack, tile.context(y)) : model.scores.pop(stack, scores(row))
    tile.put(y, t - step * y, 1 - symbol)
    return symbol
  })
}

function place({ ink, top, left, rows, columns }, paper, samples, width) {
  for (let y = 0, at = 0; y < rows; y++) {
    for (let x = 0, to = (top + y) * width + left; x < columns; x++, at++, to++) samples[to] = ink[at] ? 255 - paper : paper
  }
}
