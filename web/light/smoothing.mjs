/** Smooths samples where nothing was coded, so that no pattern of the networks shows there. */

const { floor, max, min } = Math

/** Blocks around a block in which nothing may be coded, either. */
const AROUND = 2
/** Samples on either side of the window. */
const RADIUS = 4
/** Weights of the window's rows and columns, in sixteenths. */
const WEIGHTS = [1, 2, 2, 2, 2, 2, 2, 2, 1]

/** Returns for each block whether no symbol of stride 8 differs from 0, there and in the blocks around it. */
export function blankBlocks(symbols, { rows, columns }) {
  const blank = new Uint8Array(rows * columns).fill(1)
  for (let block = 0; block < rows * columns; block++) {
    if (!symbols.subarray(192 * block, 192 * block + 192).some((symbol) => symbol !== 0)) continue
    const row = floor(block / columns)
    const column = block - row * columns
    for (let y = max(row - AROUND, 0); y <= min(row + AROUND, rows - 1); y++) {
      for (let x = max(column - AROUND, 0); x <= min(column + AROUND, columns - 1); x++) blank[y * columns + x] = 0
    }
  }
  return blank
}

/**
 * Smooths rows of blocks that come one after the other; each is passed on when the next one is known.
 * A row of blocks is three colours of eight lines of samples.
 */
export class Smoothing {
  /**
   * Takes the symbols of stride 8, the size in blocks, and what is called with each row and its samples.
   * @param {Int16Array} symbols
   * @param {{rows: number, columns: number}} size
   * @param {(row: number, lines: Float64Array) => void} use
   */
  constructor(symbols, size, use) {
    this.size = size
    this.blank = blankBlocks(symbols, size)
    this.use = use
    this.above = null
    this.held = null
  }

  /** Takes the samples of the next row of blocks. */
  push(row, lines) {
    if (this.held) this.pass(row - 1, lines)
    this.held = lines
    if (row === this.size.rows - 1) this.pass(row, null)
  }

  /** Passes on the row that is held; `below` are the samples under it. */
  pass(row, below) {
    const { held, above, size } = this
    const blank = this.blank.subarray(row * size.columns, (row + 1) * size.columns)
    this.use(row, blank.includes(1) ? smoothed(held, above, below, blank) : held)
    this.above = held
  }
}

/** Returns a row of blocks in which the samples of blank blocks are the windows' means, rounded half up. */
function smoothed(lines, above, below, blank) {
  const width = 8 * blank.length
  const out = lines.slice()
  const sums = new Float64Array(width + 2 * RADIUS)
  for (let colour = 0; colour < 3; colour++) {
    const line = (y) => {
      if (y < 0) return above ? above.subarray((8 * colour + 8 + y) * width) : lines.subarray(8 * colour * width)
      if (y > 7) return below ? below.subarray((8 * colour + y - 8) * width) : lines.subarray((8 * colour + 7) * width)
      return lines.subarray((8 * colour + y) * width)
    }
    for (let y = 0; y < 8; y++) {
      sums.fill(0)
      WEIGHTS.forEach((weight, i) => {
        const seen = line(y + i - RADIUS)
        for (let x = 0; x < width; x++) sums[x + RADIUS] += weight * seen[x]
      })
      sums.fill(sums[RADIUS], 0, RADIUS)
      sums.fill(sums[width + RADIUS - 1], width + RADIUS)
      for (let x = 0, to = (8 * colour + y) * width; x < width; x++) {
        if (blank[x >> 3]) out[to + x] = mean(sums, x)
      }
    }
  }
  return out
}

function mean(sums, x) {
  let sum = 128
  for (let i = 0; i < WEIGHTS.length; i++) sum += WEIGHTS[i] * sums[x + i]
  return floor(sum / 256)
}
