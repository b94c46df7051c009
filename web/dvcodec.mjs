/** Decodes .dvq files in browsers and in Node.js: the public functions. Nothing of it needs a network. */

import { DvcodecError } from './bitstream/errors.mjs'
import { decodeFile } from './decoder.mjs'
import { orientationOf } from './images/metadata.mjs'
import { toRgba } from './images/picture.mjs'
import { reducedRgba } from './images/reduction.mjs'
import { describe } from './info.mjs'
import { WeightsStore } from './weights/store.mjs'

export { DvcodecError, FormatError, LimitExceeded, TruncatedFile, WeightsNotFound } from './bitstream/errors.mjs'

const DENOMINATORS = new Map([1, 2, 4, 8].flatMap((by) => [[1 / by, by], [`1/${by}`, by]]))
let store = new WeightsStore([])

/**
 * Says where weights files come from, in the order in which they are asked for.
 * @param {import('./weights/store.mjs').WeightsSource[]} sources
 */
export function useWeights(sources) {
  store = new WeightsStore(sources)
}

/** Decodes a file to pixels; see dvcodec.d.ts. */
export async function decode(source, { scale = 1, preview = null, maxPixels, onProgress = () => {}, signal } = {}) {
  const denominator = DENOMINATORS.get(scale)
  if (!denominator) throw new DvcodecError(`scale ${scale} is not valid`, 'one of 1/2, 1/4, 1/8')
  const report = (share, picture) => {
    signal?.throwIfAborted()
    onProgress(share, picture)
  }
  const coarse = (picture) => report(0.05, imageOf(picture, toRgba(picture)))
  const options = { denominator, preview, maxPixels, onProgress: report, onCoarse: denominator === 1 ? coarse : null }
  const found = await decodeFile(bytesOf(source), store, options)
  const whole = toRgba(found.picture)
  const { width, height } = found.picture
  if (denominator === 1 || found.reduced) return imageOf(found.picture, whole, found)
  const smaller = { width: Math.ceil(width / denominator), height: Math.ceil(height / denominator) }
  return imageOf(smaller, reducedRgba(whole, width, height, denominator), found)
}

/** Describes a file by its header; see dvcodec.d.ts. */
export function info(source) {
  return describe(bytesOf(source))
}

function bytesOf(source) {
  if (source instanceof Uint8Array) return source
  if (source instanceof ArrayBuffer) return new Uint8Array(source)
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  throw new DvcodecError('this is no file', 'give its bytes, a Uint8Array or an ArrayBuffer')
}

/** Returns an ImageData, or in Node.js, which has none, an object of the same shape. */
function imageOf({ width, height }, data, found = null) {
  const image =
    typeof ImageData === 'undefined' ? { data, width, height, colorSpace: 'srgb' } : new ImageData(data, width, height)
  if (!found) return image
  return Object.assign(image, { mode: found.header.mode, orientation: orientationOf(found.metadata.exif), icc: found.metadata.icc })
}
