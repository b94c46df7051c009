/** Decodes the lossless bitstream of WebP, VP8L, which is the form of some alpha channels and of the kind `webp`. */

import { FormatError } from '../bitstream/errors.mjs'
import { BitReader, Broken } from './bits.mjs'
import { codedImage } from './vp8l_image.mjs'
import { colourIndexing, crossColour, predicted, subtractGreen } from './vp8l_transforms.mjs'

const [PREDICTOR, CROSS_COLOUR, SUBTRACT_GREEN, COLOUR_INDEXING] = [0, 1, 2, 3]

/**
 * Returns the pixels of a bitstream, each a number 2^24 A + 2^16 R + 2^8 G + B.
 * @param {Uint8Array} data
 * @param {number} width The width that the image must have; its height likewise.
 * @param {number} height
 * @param {string} name What messages call the data.
 * @returns {Uint32Array}
 */
export function decodeVp8l(data, width, height, name) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const size = data.length < 5 ? 0 : view.getUint32(1, true)
  const fits = (size & 0x3fff) + 1 === width && ((size >>> 14) & 0x3fff) + 1 === height
  if (data.length < 5 || data[0] !== 0x2f || !fits) throw new FormatError(`${name}: the size is not that of the image`)
  try {
    return decoded(new BitReader(data.subarray(4)), width, height)
  } catch (error) {
    if (!(error instanceof Broken || error instanceof RangeError)) throw error
    throw new FormatError(`${name}: the WebP data are not valid`)
  }
}

function decoded(reader, width, height) {
  reader.take(4) // the last bits of the height
  const hasAlpha = reader.take(1)
  if (reader.take(3)) throw new Broken()
  const undo = []
  let inner = width
  while (reader.take(1)) inner = readTransform(reader, inner, width, height, undo)
  let pixels = codedImage(reader, inner, height, true)
  for (const transform of undo.reverse()) pixels = transform(pixels)
  if (!hasAlpha) for (let i = 0; i < pixels.length; i++) pixels[i] |= 0xff000000
  return pixels
}

/** Reads a transform, adds what undoes it, and returns the width of the image inside. */
function readTransform(reader, inner, width, height, undo) {
  const kind = reader.take(2)
  if (undo.some((other) => other.kind === kind)) throw new Broken()
  const add = (transform) => undo.push(Object.assign(transform, { kind }))
  if (kind === SUBTRACT_GREEN) add(subtractGreen)
  if (kind === PREDICTOR || kind === CROSS_COLOUR) {
    const bits = reader.take(3) + 2
    const columns = (inner + (1 << bits) - 1) >> bits
    const blocks = codedImage(reader, columns, (height + (1 << bits) - 1) >> bits, false)
    const transform = kind === PREDICTOR ? predicted : crossColour
    add((pixels) => transform(pixels, inner, height, blocks, bits, columns))
  }
  if (kind !== COLOUR_INDEXING) return inner
  const count = reader.take(8) + 1
  const colours = codedImage(reader, count, 1, false)
  const bits = count <= 2 ? 3 : count <= 4 ? 2 : count <= 16 ? 1 : 0
  const packed = (inner + (1 << bits) - 1) >> bits
  add((pixels) => colourIndexing(pixels, inner, height, colours, bits, packed))
  return packed
}
