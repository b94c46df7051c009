/** Decodes a .dvq file of one image: the whole file, with every fault an error, or a preview. */

import { parse, payloadOf } from './bitstream/container.mjs'
import { crc32 } from './bitstream/checksums.mjs'
import { DvcodecError, FormatError, LimitExceeded, TruncatedFile } from './bitstream/errors.mjs'
import { readFilter } from './images/adaptive_filter.mjs'
import { readAlpha } from './images/alpha.mjs'
import { keptPicture } from './images/kept_file.mjs'
import { metadataOf } from './images/metadata.mjs'
import { readPalette } from './images/palette.mjs'
import { pictureOf } from './images/picture.mjs'
import { reducedChannel } from './images/reduction.mjs'
import { CHANNELS, fromWebp, unstore } from './images/stored.mjs'
import { bilevelSamples } from './pixels/bilevel.mjs'
import { deepSamples } from './pixels/deep.mjs'
import { doubled } from './pixels/half_size.mjs'
import { jpegSamples } from './pixels/jpeg.mjs'

/** The most pixels that are decoded unless a caller allows more. */
export const MAX_PIXELS = 192 * 2 ** 20

/**
 * Decodes a file.
 * @param {Uint8Array} data
 * @param {import('./weights/store.mjs').WeightsStore} store
 * @param {object} options `denominator` of the scale, `preview`, `maxPixels`, `onProgress` and `onCoarse`.
 * @returns {Promise<{picture: import('./images/picture.mjs').Picture, metadata: object, reduced: boolean}>}
 */
export async function decodeFile(data, store, options = {}) {
  return decodeParsed(parse(data), store, options)
}

/** Decodes a parsed file; see `decodeFile`. */
export async function decodeParsed(file, store, options = {}) {
  try {
    return await decoded(file, store, options)
  } catch (error) {
    if (!(error instanceof RangeError && /alloc|length|memory/i.test(error.message))) throw error
    const { width, height } = file.header
    const hint = 'work on fewer images at a time, or cut the image into parts'
    throw new DvcodecError(`not enough memory for ${width} x ${height} pixels`, hint)
  }
}

async function decoded(file, store, options) {
  const { header } = file
  checkPixels(header, options.maxPixels ?? MAX_PIXELS)
  const count = chunksToDecode(file, options.preview ?? null)
  const strict = (options.preview ?? null) === null
  if (header.kind === 'file') return keptPicture(file)
  const metadata = metadataOf(file, strict)
  const exact = header.lossless && wantsExact(file, options.preview ?? null)
  const [picture, reduced] = exact
    ? [await exactPicture(file, store, options), false]
    : await lossyPicture(file, count, store, { ...options, strict })
  return { picture, metadata, reduced, header }
}

function checkPixels({ width, height }, most) {
  if (width * height <= most) return
  throw new LimitExceeded(`${width} x ${height} pixels are more than the limit of ${most}`, 'set --max-pixels higher')
}

/** Returns how many chunks a preview decodes; throws the file's fault unless the preview ignores it. */
function chunksToDecode(file, preview) {
  const { fault, wholeChunks: whole } = file
  const total = file.chunks.length
  const numbered = Number.isInteger(preview) && preview >= 1
  if (!(preview === null || preview === 'all' || numbered)) {
    throw new DvcodecError(`preview ${preview} is not a number of chunks`, '1 or more, or all')
  }
  const wanted = preview === 'all' ? whole : preview === null ? total : Math.min(preview, total)
  if (fault && (preview === null || wanted > whole || !total)) throw fault
  if (!wanted && total) throw fault ?? new TruncatedFile(0, total)
  return wanted
}

/** Tells whether to decode lossless pixels: a preview does so only if there are no chunks, or all is whole. */
function wantsExact(file, preview) {
  const needed = [...file.all('pixels'), file.one('alpha'), file.one('palette')]
  const whole = needed.every((section) => !section || section.whole)
  return preview === null || !file.chunks.length || (preview === 'all' && whole)
}

/** Returns the picture of the first chunks, and whether it has the size that is wanted already. */
async function lossyPicture(file, count, store, options) {
  const { header } = file
  if (header.lossless) return [await coarsePicture(file, count, store, options), (options.denominator ?? 1) > 1]
  const { strict } = options
  const model = await store.model(header.weights, 'hierarchy')
  const denominator = model.fullSize ? 1 : (options.denominator ?? 1)
  const alpha = alphaOf(file, strict)
  checkLayers(file, model)
  const complete = count === file.chunks.length && denominator === 1
  const pixels = model.decode(chunksOf(file, count), header, {
    ...options,
    denominator,
    filter: complete ? filterOf(file, strict) : null,
    onCoarse: options.onCoarse && ((colours) => options.onCoarse(pictureOf(colours, header.grey))),
  })
  const smaller = alpha && denominator > 1 ? reducedChannel(alpha, header.width, header.height, denominator) : alpha
  return [pictureOf(pixels, header.grey, smaller), denominator > 1]
}

/** Returns the lossy image of a lossless file, of its first chunks. */
async function coarsePicture(file, count, store, options) {
  const { header } = file
  const model = await store.model(header.weights, 'hierarchy')
  const alpha = alphaOf(file, options.strict)
  checkLayers(file, model)
  const { width, height, grey } = header
  const small = pictureOf(predictedOf(file, count, model, options), grey)
  const samples = doubled(small.samples, small, CHANNELS[small.mode], width, height)
  return { width, height, mode: header.mode, samples: alpha ? withAlpha(samples, alpha) : samples }
}

/** Returns what the symbols of a lossless file predict, three colours of half the size. */
function predictedOf(file, count, model, { onProgress = () => {}, onCoarse }) {
  const { grey, quality, symbolsSize } = file.header
  return model.decode(chunksOf(file, count), { ...symbolsSize, grey, quality, perceptual: false }, {
    onProgress,
    onCoarse: onCoarse && ((colours) => onCoarse(pictureOf(colours, grey))),
  })
}

function checkLayers(file, model) {
  const layers = file.chunks.reduce((sum, chunk) => sum + chunk.layers, 0)
  if (layers !== model.layers) throw new FormatError(`the file has ${layers} layers, its weights have ${model.layers}`)
}

function chunksOf(file, count) {
  return file.chunks.slice(0, count).map((section) => ({ layers: section.layers, payload: payloadOf(section) }))
}

function alphaOf(file, strict) {
  const section = file.one('alpha')
  if (!section) return null
  const { width, height } = file.header
  try {
    return readAlpha(payloadOf(section), width, height)
  } catch (error) {
    if (strict || !(error instanceof FormatError)) throw error
    return readAlpha(payloadOf(null), width, height)
  }
}

function filterOf(file, strict) {
  const section = file.one('filter')
  if (!section || !(section.whole || strict)) return null
  return readFilter(payloadOf(section), file.header.width, file.header.height)
}

/** Decodes the samples of a lossless file, and verifies their checksum. */
export async function exactPicture(file, store, options) {
  const { header } = file
  const palette = readPalette(payloadOf(file.one('palette')), header.mode)
  const samples = await SAMPLES[header.kind](file, store, options)
  if (header.deep && samples.some((sample) => sample > header.white)) {
    throw new FormatError('the decoded pixels are brighter than white')
  }
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
  if (crc32(bytes) !== header.samplesCrc) throw new FormatError('the decoded pixels do not match their checksum')
  const { width, height, mode, white } = header
  return { width, height, mode, samples, white, palette }
}

const storedSamples = (file) => unstore(payloadOf(file.one('pixels')), file.header)
const webpSamples = (file) => fromWebp(payloadOf(file.one('pixels')), file.header)

function deepPixels(file, _, { onProgress = () => {} }) {
  return deepSamples(file.all('pixels').map(payloadOf), file.header, CHANNELS[file.header.mode], onProgress)
}

function jpegPixels(file, _, { onProgress = () => {} }) {
  const { header } = file
  const samples = jpegSamples(file.all('pixels').map(payloadOf), header, onProgress)
  return header.alpha ? withAlpha(samples, readAlpha(payloadOf(file.one('alpha')), header.width, header.height)) : samples
}

async function blackAndWhite(file, store, { onProgress = () => {} }) {
  const model = await store.model(file.header.pixelWeights, 'bilevel')
  return bilevelSamples(file.all('pixels').map(payloadOf), file.header, model, onProgress)
}

/** The share of the time that symbols take beside lossless pixels, about. */
const SYMBOLS = 0.2

async function photographSamples(file, store, options) {
  const { header } = file
  const { onProgress = () => {} } = options
  const hierarchy = await store.model(header.weights, 'prediction')
  const model = await store.model(header.pixelWeights, 'pixels')
  checkLayers(file, hierarchy)
  const symbols = (share) => onProgress(SYMBOLS * share)
  const small = predictedOf(file, file.chunks.length, hierarchy, { ...options, onProgress: symbols })
  const predicted = doubled(small.pixels, small, 3, header.width, header.height)
  const strips = file.all('pixels').map(payloadOf)
  const samples = model.samples(strips, header, predicted, (share) => onProgress(SYMBOLS + (1 - SYMBOLS) * share))
  return header.alpha ? withAlpha(samples, readAlpha(payloadOf(file.one('alpha')), header.width, header.height)) : samples
}

/** Returns samples with the alpha of each pixel after them. */
function withAlpha(samples, alpha) {
  const channels = samples.length / alpha.length
  const out = new Uint8Array(samples.length + alpha.length)
  for (let i = 0, at = 0, to = 0; i < alpha.length; i++) {
    for (let c = 0; c < channels; c++) out[to++] = samples[at++]
    out[to++] = alpha[i]
  }
  return out
}

const SAMPLES = {
  stored: storedSamples,
  webp: webpSamples,
  bilevel: blackAndWhite,
  deep: deepPixels,
  model: photographSamples,
  jpeg: jpegPixels,
}
