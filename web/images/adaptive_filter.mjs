/** The section of a file that holds the adaptive filter: its coefficients, by regions. */

import { FormatError } from '../bitstream/errors.mjs'
import { ChunkDecoder, Tables, even } from '../entropy/rans.mjs'
import { SQUARE, TERMS } from './filter_terms.mjs'

const { ceil, floor, max } = Math
const STEPS = 511

const DENSITIES = even(5)
const TABLES = new Tables(weightsOfSteps(), STEPS)

function weightsOfSteps() {
  const total = 2 ** 24 - (STEPS + 2)
  const shape = Array.from({ length: STEPS }, (_, k) => (k === 255 ? 0 : floor(2 ** 24 / (Math.abs(k - 255) + 6) ** 2)))
  const sum = shape.reduce((a, b) => a + b)
  return [1, 3, 6, 11].flatMap((share) => {
    const row = shape.map((value) => floor((value * floor((total * share) / 16)) / sum))
    row[255] = total - row.reduce((a, b) => a + b)
    return row
  })
}

/** Returns the side of the regions, the precision and the coefficients of a file's filter. */
export function readFilter(section, width, height) {
  try {
    return read(section, width, height)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new FormatError(`the adaptive filter is not valid: ${error.reason}`, error.hint)
  }
}

function read(section, width, height) {
  if (!section.length) throw new FormatError('it is empty')
  const [exponent, precision] = [section[0] & 15, section[0] >> 4]
  if (max(exponent, precision) > 12) throw new FormatError('this release does not know its kind', 'upgrade dvcodec')
  const side = SQUARE * 2 ** exponent
  const decoder = new ChunkDecoder(section.subarray(1))
  const columns = ceil(width / side)
  const regions = Array.from({ length: ceil(height / side) * columns }, () => {
    return [0, 1, 2].map(() => {
      const density = decoder.decodeRow(DENSITIES, 0, 1)[0]
      if (!density) return new Int32Array(TERMS)
      return Int32Array.from(decoder.decodeRow(TABLES, density - 1, TERMS), (symbol) => symbol - 255)
    })
  })
  decoder.finish()
  return { side, precision, columns, regions }
}
