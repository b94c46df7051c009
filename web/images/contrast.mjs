/** What networks see of samples: their companded difference from a smooth image. */

const { abs, max, min } = Math

/**
 * How contrasts are computed: `smooth` makes the number of a smooth image of the sum of samples of 3x3 blocks, `companded`
 * the contrast of a sample and 256 times such a number; both kinds of numbers fit `Numbers`.
 * @typedef {object} Companding
 * @property {typeof Int32Array | typeof Float64Array} Numbers
 * @property {(sum: number) => number} smooth
 * @property {(sample: number, behind: number) => number} companded
 */

/** The weights of the blocks before, at and after a place inside a block, in sixteenths. */
const SHARES = Array.from({ length: 8 }, (_, i) => [max(7 - 2 * i, 0), 16 - abs(2 * i - 7), max(2 * i - 7, 0)])

/** Returns the contrasts of rows of blocks. */
export class Contrast {
  /**
   * Prepares for the samples of all blocks; change none of them while contrasts are asked for.
   * @param {Int16Array | Float32Array} samples 192 for each block, by colour, row and column.
   * @param {{rows: number, columns: number}} size
   * @param {Companding} companding
   */
  constructor(samples, { rows, columns }, companding) {
    this.samples = samples
    this.companding = companding
    this.rows = rows
    this.columns = columns
    this.smooth = smoothed(sums(samples, companding), rows, columns, companding)
  }

  /** Writes the contrasts of a row of blocks, 192 for each. */
  write(row, out) {
    const { columns } = this
    const near = new this.companding.Numbers(9)
    for (let x = 0, at = 0; x < columns; x++) {
      for (let c = 0; c < 3; c++, at += 64) {
        this.around(row, x, c, near)
        this.square(this.samples, (row * columns + x) * 192 + 64 * c, near, out, at)
      }
    }
  }

  around(row, column, colour, near) {
    for (let i = 0, at = 0; i < 3; i++) {
      const y = min(max(row + i - 1, 0), this.rows - 1)
      for (let j = 0; j < 3; j++, at++) {
        const x = min(max(column + j - 1, 0), this.columns - 1)
        near[at] = this.smooth[3 * (y * this.columns + x) + colour]
      }
    }
  }

  square(samples, from, near, out, to) {
    const { companded } = this.companding
    for (let i = 0; i < 8; i++) {
      const [above, at, below] = SHARES[i]
      const left = above * near[0] + at * near[3] + below * near[6]
      const centre = above * near[1] + at * near[4] + below * near[7]
      const right = above * near[2] + at * near[5] + below * near[8]
      for (let j = 0; j < 8; j++, from++, to++) {
        const [before, own, after] = SHARES[j]
        out[to] = companded(samples[from], before * left + own * centre + after * right)
      }
    }
  }
}

/** Returns the sums of blocks, three for each. */
function sums(samples, { Numbers }) {
  const found = new Numbers(samples.length / 64)
  for (let i = 0, at = 0; i < found.length; i++) {
    let sum = 0
    for (const end = at + 64; at < end; at++) sum += samples[at]
    found[i] = sum
  }
  return found
}

/** Returns the numbers of a smooth image; the border repeats. */
function smoothed(sums, rows, columns, { Numbers, smooth }) {
  const found = new Numbers(sums.length)
  for (let y = 0, at = 0; y < rows; y++) {
    const lines = [max(y - 1, 0), y, min(y + 1, rows - 1)].map((line) => 3 * line * columns)
    for (let x = 0; x < columns; x++) {
      const places = [3 * max(x - 1, 0), 3 * x, 3 * min(x + 1, columns - 1)]
      for (let c = 0; c < 3; c++, at++) {
        let sum = 0
        for (const line of lines) for (const place of places) sum += sums[line + place + c]
        found[at] = smooth(sum)
      }
    }
  }
  return found
}
