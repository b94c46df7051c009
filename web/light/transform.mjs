/** The matrices of the inverse transform, in whole numbers: they are the same on every machine. */

const { cos, floor, sqrt, PI } = Math

/** The scales of lapped frequencies, along either direction, in steps of 2^-8. */
export const FREQUENCY_SCALES = [215, 216, 237, 238, 246, 245, 251, 250]
const COLOURS = [
  [1 / sqrt(3), 1 / sqrt(3), 1 / sqrt(3)],
  [1 / sqrt(2), 0, -1 / sqrt(2)],
  [1 / sqrt(6), -2 / sqrt(6), 1 / sqrt(6)],
]
const DCT = Array.from({ length: 8 }, (_, i) =>
  Array.from({ length: 8 }, (_, x) => cos(((2 * x + 1) * i * PI) / 16) / (i ? 2 : sqrt(8))),
)
const V = [
  [244, 201, 91, 61],
  [-141, 231, 158, 60],
  [29, -93, 279, 100],
  [-8, 2, -31, 304],
]

/** Returns 2^12 times a number, rounded. */
const whole = (x) => floor(4096 * x + 0.5)

/** Returns the samples of a block, 192 by colour, row and column, that each of its 192 coefficients makes. */
export function basis() {
  const found = new Float64Array(192 * 192)
  for (let k = 0, at = 0; k < 3; k++) {
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 8; j++) {
        const scale = i || j ? (FREQUENCY_SCALES[i] * FREQUENCY_SCALES[j]) / 65536 : 1
        for (let o = 0; o < 3; o++) {
          for (let y = 0; y < 8; y++) {
            for (let x = 0; x < 8; x++, at++) found[at] = whole((DCT[i][y] * DCT[j][x] * COLOURS[k][o]) / scale)
          }
        }
      }
    }
  }
  return found
}

/**
 * Returns the matrix that is applied to the eight samples about a border between two blocks, row by row.
 * @param {(x: number) => number} [finish] Makes its entries.
 */
export function borders(finish = whole) {
  const inverse = inverted(V.map((row) => row.map((value) => value / 256)))
  const found = new Float64Array(64)
  // P = W diag(I, V) W / 2 and W W = 2 I, so that P^-1 = W diag(I, V^-1) W / 2.
  const w = (i, j) => (i === j ? (i < 4 ? 1 : -1) : i + j === 7 ? 1 : 0)
  const middle = (i, j) => (i < 4 || j < 4 ? Number(i === j) : inverse[i - 4][j - 4])
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < 8; j++) {
      let sum = 0
      for (const a of [i, 7 - i]) for (const b of [j, 7 - j]) sum += w(i, a) * middle(a, b) * w(b, j)
      found[8 * i + j] = finish(sum / 2)
    }
  }
  return found
}

/** Returns the inverse of a small matrix, by elimination. */
function inverted(matrix) {
  const size = matrix.length
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))])
  for (let i = 0; i < size; i++) {
    const pivot = rows[i][i]
    rows[i] = rows[i].map((value) => value / pivot)
    for (let k = 0; k < size; k++) {
      const factor = rows[k][i]
      if (k !== i) rows[k] = rows[k].map((value, j) => value - factor * rows[i][j])
    }
  }
  return rows.map((row) => row.slice(size))
}
