/** Decodes .dvq files in browsers and in Node.js: the public functions. Nothing of it needs a network. */

import { decodeMember, describeArchive, isArchive } from './archives/members.mjs'
import { DvcodecError } from './bitstream/errors.mjs'
import { parse } from './bitstream/container.mjs'
import { decodeFile } from './decoder.mjs'
import { keptBytes } from './images/kept_file.mjs'
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

/** Loads weights before a file names them; see dvcodec.d.ts. */
export async function prepare(id) {
  await store.model(id, 'hierarchy')
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
  const found = await decodeSource(source, options)
  const whole = toRgba(found.picture)
  const { width, height } = found.picture
  if (denominator === 1 || found.reduced) return imageOf(found.picture, whole, found)
  const smaller = { width: Math.ceil(width / denominator), height: Math.ceil(height / denominator) }
  return imageOf(smaller, reducedRgba(whole, width, height, denominator), found)
}

/** Decodes a file, or the image of an archive that `archive` and `image`, an entry of its `images`, stand for. */
function decodeSource(source, options) {
  if (!source?.archive) return decodeFile(bytesOf(source), store, options)
  const { first, last } = source.image
  return decodeMember(bytesOf(source.archive).subarray(first, last), source.image, store, options)
}

/** Describes a file by its header, or an archive by its images; see dvcodec.d.ts. */
export function info(source) {
  const data = bytesOf(source)
  return isArchive(data) ? describeArchive(data) : describe(data)
}

/** Returns the image file that a file of the kind `file` keeps, byte for byte; null for other kinds. */
export function keptFile(source) {
  const file = parse(bytesOf(source))
  return file.header.kind === 'file' ? keptBytes(file) : null
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
