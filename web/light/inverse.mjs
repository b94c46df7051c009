/** From symbols to samples in integers, in units of sigma and steps of 2^-8. */

import { clamp } from './groups.mjs'
import { COEFFICIENTS, STAGES, STRIDES } from './layout.mjs'
import { basis, borders } from './transform.mjs'

const { abs, floor, min, sign } = Math

/** The largest magnitude of a sample. */
export const SAMPLE_LIMIT = 32767

/** What symbols stand for, at one tuning. */
export class SymbolValues {
  /** Takes the tensors `values.STRIDE.TUNING` of a weights file. */
  constructor(tensors, tuning) {
    this.numbers = {}
    this.steps = {}
    this.shrinks = {}
    for (const stride of STRIDES) {
      const below = tensors.below(`values.${stride}.${tuning}`)
      this.numbers[stride] = Uint8Array.from(STAGES[stride].flat(2))
      this.steps[stride] = below.take('step', [this.numbers[stride].length])
      this.shrinks[stride] = below.take('shrink', [this.numbers[stride].length, 3])
    }
  }

  /** Returns the coefficient of a symbol, in steps of 2^-12; `k` counts the coefficients in coding order. */
  coefficient(stride, k, symbol) {
    if (!symbol) return 0
    const nearer = this.shrinks[stride][3 * k + min(abs(symbol), 3) - 1]
    return symbol * this.steps[stride][k] - sign(symbol) * nearer
  }
}

/** Makes samples of the symbols of a pass, row of blocks by row of blocks. */
export class Inverse {
  /** Takes a pass. */
  constructor(pass, values) {
    this.pass = pass
    this.values = values
    this.means = this.blockMeans()
  }

  /** Returns the coefficients of a stride, in steps of 2^-12. */
  coefficients(stride) {
    const symbols = this.pass.symbols[stride]
    const found = new Float64Array(symbols.length)
    const width = COEFFICIENTS[stride]
    this.values.numbers[stride].forEach((number, k) => {
      for (let at = number; at < symbols.length; at += width) {
        found[at] = this.values.coefficient(stride, k, symbols[at])
      }
    })
    return found
  }

  /** Returns the means of all blocks, three for each, in steps of 2^-12 and of the transform's norm. */
  blockMeans() {
    const { sizes } = this.pass
    const top = this.coefficients(64)
    let means = Float64Array.from({ length: top.length / 4 }, (_, at) => top[floor(at / 3) * 12 + 9 + (at % 3)])
    for (const stride of [64, 32, 16]) {
      means = finerMeans(means, this.coefficients(stride), COEFFICIENTS[stride], sizes[stride], sizes[stride / 2])
    }
    return means
  }

  /** Returns the samples of all blocks, 192 for each, by colour, row and column. */
  samples() {
    const { rows, columns } = this.pass.sizes[8]
    const out = new Int16Array(192 * rows * columns)
    let above = null
    for (let row = 0; row <= rows; row++) {
      const own = row < rows ? this.row(row) : null
      if (above && own) lapAcross(above, own, lap)
      if (above) for (let at = 0, to = (row - 1) * above.length; at < above.length; at++, to++) out[to] = limited(above[at])
      above = own
    }
    return out
  }

  /** Returns a row of blocks after the map across the borders between blocks side by side. */
  row(row) {
    const { columns } = this.pass.sizes[8]
    const out = new Float64Array(192 * columns)
    const symbols = this.pass.symbols[8]
    const { numbers } = this.values
    for (let x = 0; x < columns; x++) {
      const block = out.subarray(192 * x, 192 * x + 192)
      const from = 192 * (row * columns + x)
      for (let c = 0; c < 3; c++) add(block, 64 * c, this.means[from / 64 + c])
      for (let k = 0; k < numbers[8].length; k++) {
        const symbol = symbols[from + numbers[8][k]]
        if (symbol) add(block, numbers[8][k], this.values.coefficient(8, k, symbol))
      }
      for (let i = 0; i < 192; i++) block[i] = floor(block[i] / 65536 + 0.5)
    }
    lapAlong(out, columns, lap)
    return out
  }

  /** Returns the image at an eighth of its size, from the blocks' means alone: three colours for each block. */
  meanSamples() {
    const { rows, columns } = this.pass.sizes[8]
    const found = new Float64Array(this.means.length)
    for (let at = 0; at < found.length; at += 3) {
      for (let o = 0; o < 3; o++) {
        let sum = 0
        for (let c = 0; c < 3; c++) sum += this.means[at + c] * BASIS[64 * c * 192 + 64 * o]
        found[at + o] = floor(sum / 65536 + 0.5)
      }
    }
    return lapMeans(lapMeans(found, rows, columns, 3, 3 * columns), columns, rows, 3 * columns, 3)
  }
}

const BASIS = basis()
const BORDERS = borders()

/** Adds what a coefficient makes to a block. */
function add(block, number, value) {
  if (!value) return
  const from = 192 * number
  for (let i = 0; i < 192; i++) block[i] += value * BASIS[from + i]
}

function limited(x) {
  return clamp(x, -SAMPLE_LIMIT, SAMPLE_LIMIT)
}

/** Returns the means of the next finer stride, three for each position. */
export function finerMeans(means, details, width, size, finer) {
  const out = new Float64Array(3 * finer.rows * finer.columns)
  for (let y = 0, to = 0; y < finer.rows; y++) {
    for (let x = 0; x < finer.columns; x++) {
      const at = (y >> 1) * size.columns + (x >> 1)
      const [down, right] = [y & 1 ? -1 : 1, x & 1 ? -1 : 1]
      for (let c = 0; c < 3; c++, to++) {
        const from = at * width + c
        const sum = means[3 * at + c] + right * details[from] + down * details[from + 3]
        out[to] = (sum + right * down * details[from + 6]) / 2
      }
    }
  }
  return out
}

/**
 * Returns what applies a map across a border to eight samples, four in each of two blocks, `step` numbers apart.
 * @param {Float64Array} matrix
 * @param {(sum: number) => number} finish
 */
export function lapOf(matrix, finish) {
  const found = new Float64Array(8)
  return (left, from, right, to, step) => {
    for (let i = 0; i < 8; i++) {
      let sum = 0
      for (let j = 0; j < 4; j++) sum += matrix[8 * i + j] * left[from + j * step]
      for (let j = 0; j < 4; j++) sum += matrix[8 * i + 4 + j] * right[to + j * step]
      found[i] = finish(sum)
    }
    for (let i = 0; i < 4; i++) {
      left[from + i * step] = found[i]
      right[to + i * step] = found[4 + i]
    }
  }
}

const lap = lapOf(BORDERS, (sum) => floor(sum / 4096 + 0.5))

/** Applies a map across the borders between the blocks of a row. */
export function lapAlong(row, columns, lap) {
  for (let x = 1; x < columns; x++) {
    const [left, right] = [192 * (x - 1), 192 * x]
    for (let line = 0; line < 192; line += 8) lap(row, left + line + 4, row, right + line, 1)
  }
}

/** Applies a map across the borders between two rows of blocks. */
export function lapAcross(above, below, lap) {
  for (let at = 0; at < above.length; at += 64) {
    for (let x = 0; x < 8; x++) lap(above, at + 32 + x, below, at + x, 8)
  }
}

/** Applies what the map across borders does to blocks of equal samples, along lines of `count` blocks. */
function lapMeans(x, lines, count, step, lineStep) {
  let [own, other] = [0, 0]
  for (let i = 4; i < 8; i++) {
    for (let j = 0; j < 4; j++) {
      other += BORDERS[8 * i + j]
      own += BORDERS[8 * i + 4 + j]
    }
  }
  const whole = 4 * 4096
  const out = new Float64Array(x.length)
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < 3; c++) {
        const at = line * lineStep + i * step + c
        const before = i ? own * x[at] + other * x[at - step] : whole * x[at]
        const after = i + 1 < count ? own * x[at] + other * x[at + step] : whole * x[at]
        out[at] = floor((before + after) / (2 * whole) + 0.5)
      }
    }
  }
  return out
}
