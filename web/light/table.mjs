/** The shared table of priors, mixed from the two components in a weights file. */

import { FormatError } from '../bitstream/errors.mjs'
import { Tables } from '../entropy/rans.mjs'
import { TokenAlphabet } from '../entropy/residuals.mjs'

const BUCKETS = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 10, 11, 12]
/** The tokens of symbols. */
export const ALPHABET = new TokenAlphabet(14, BUCKETS)
/** Rows of either component: 49 scales of 8 fractions. */
const COMPONENTS = 392
/** The wide component's share of each tail, of 65536. */
const SHARES = [22, 60, 162, 439, 1179, 3108, 7812, 17625, 32768, 47911, 57724, 62428]
const TOTAL = 2 ** 24 - 71
const MIDDLE = 34
/** The row of adjustments. */
export const ADJUSTMENTS = SHARES.length * COMPONENTS
/** The largest magnitude of an adjustment. */
export const LARGEST_ADJUSTMENT = 3

/** Returns the table of a weights file. */
export function tableOf(tensors) {
  const parts = tensors.take('tables', [2, COMPONENTS, ALPHABET.size])
  const wide = COMPONENTS * ALPHABET.size
  const out = new Int32Array((ADJUSTMENTS + 1) * ALPHABET.size)
  SHARES.forEach((share, tail) => {
    for (let i = 0; i < wide; i++) out[tail * wide + i] = parts[i] + Math.floor((share * (parts[wide + i] - parts[i])) / 65536)
  })
  for (let r = -LARGEST_ADJUSTMENT; r <= LARGEST_ADJUSTMENT; r++) {
    out[ADJUSTMENTS * ALPHABET.size + MIDDLE + r] = Math.floor(TOTAL / 2 ** (2 + Math.abs(r)))
  }
  for (let first = 0; first < out.length; first += ALPHABET.size) {
    const sum = out.subarray(first, first + ALPHABET.size).reduce((a, b) => a + b, 0)
    if (sum > TOTAL) throw new FormatError('the weights yield no valid frequencies')
    out[first + MIDDLE] += TOTAL - sum
  }
  return new Tables(out, ALPHABET.size)
}
