/** The alpha channel of files with symbols, which is lossless. */

import { FormatError } from '../bitstream/errors.mjs'
import { inflate } from '../compression/inflate.mjs'
import { decodeVp8l } from '../compression/vp8l.mjs'

const NAME = 'the alpha channel'

/** Returns the alpha of every pixel, from a section; a FormatError if it is not valid or of another size. */
export function readAlpha(section, width, height) {
  const count = width * height
  if (!section.length) return new Uint8Array(count).fill(255)
  const form = section[0]
  const body = section.subarray(1)
  if (form === 1 && body.length === 1) return new Uint8Array(count).fill(body[0])
  if (form === 2) {
    const values = inflate(body, count, NAME)
    if (values.length === count) return values
  }
  if (form === 3) return Uint8Array.from(decodeVp8l(body, width, height, NAME), (pixel) => (pixel >>> 8) & 255)
  throw new FormatError(`${NAME} is not valid`)
}
