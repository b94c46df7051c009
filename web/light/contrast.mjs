/** What networks see of samples: their companded difference from a smooth image, in steps of 2^-5. */

const { abs, floor, max, min } = Math
const CLOSEST = 4095

const COMPANDED = Int16Array.from({ length: 2 * CLOSEST + 1 }, (_, i) => {
  const t = i - CLOSEST
  return floor((256 * t + 256 + abs(t)) / (2 * (256 + abs(t))))
})

/** The weights of the blocks before, at and after a place inside a block, in sixteenths. */
const SHARES = Array.from({ length: 8 }, (_, i) => [max(7 - 2 * i, 0), 16 - abs(2 * i - 7), max(2 * i - 7, 0)])

/** Returns the contrasts of rows of blocks. */
export class Contrast {
  /**
   * Prepares for the samples of all blocks; change none of them while contrasts are asked for.
   * @param {Int16Array} samples 192 for each block, by colour, row and column.
   * @param {{rows: number, columns: number}} size
   */
  constructor(samples, { rows, columns }) {
    this.samples = samples
    this.rows = rows
    this.columns = columns
    this.smooth = smoothed(sums(samples), rows, columns)
  }

  /** Writes the contrasts of a row of blocks, 192 for each. */
  write(row, out) {
    const { columns } = this
    const near = new Int32Array(9)
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
    for (let i = 0; i < 8; i++) {
      const [above, at, below] = SHARES[i]
      const left = above * near[0] + at * near[3] + below * near[6]
      const centre = above * near[1] + at * near[4] + below * near[7]
      const right = above * near[2] + at * near[5] + below * near[8]
      for (let j = 0; j < 8; j++, from++, to++) {
        const [before, own, after] = SHARES[j]
        const behind = before * left + own * centre + after * right
        const t = (16 * samples[from] - behind + 128) >> 8
        out[to] = COMPANDED[min(max(t, -CLOSEST), CLOSEST) + CLOSEST]
      }
    }
  }
}

/** Returns the sums of blocks, three for each. */
function sums(samples) {
  const found = new Int32Array(samples.length / 64)
  for (let i = 0, at = 0; i < found.length; i++) {
    let sum = 0
    for (const end = at + 64; at < end; at++) sum += samples[at]
    found[i] = sum
  }
  return found
}

/** Returns the means of 3x3 blocks, in steps of 2^-4; the border repeats. */
function smoothed(sums, rows, columns) {
  const found = new Int32Array(sums.length)
  for (let y = 0, at = 0; y < rows; y++) {
    const lines = [max(y - 1, 0), y, min(y + 1, rows - 1)].map((line) => 3 * line * columns)
    for (let x = 0; x < columns; x++) {
      const places = [3 * max(x - 1, 0), 3 * x, 3 * min(x + 1, columns - 1)]
      for (let c = 0; c < 3; c++, at++) {
        let sum = 0
        for (const line of lines) for (const place of places) sum += sums[line + place + c]
        found[at] = floor((2 * sum + 9216) / 18432)
      }
    }
  }
  return found
}
