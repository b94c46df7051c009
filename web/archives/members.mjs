/** The images of an archive: what is known of them, and their pixels. */

import { crc32 } from '../bitstream/checksums.mjs'
import { DvqFile, parse } from '../bitstream/container.mjs'
import { FormatError } from '../bitstream/errors.mjs'
import { Header, parseKind } from '../bitstream/header.mjs'
import { Reader } from '../bitstream/reader.mjs'
import { decodeParsed, exactPicture } from '../decoder.mjs'
import { CHANNELS } from '../images/stored.mjs'
import { parseMark } from './layout.mjs'
import { readArchive } from './reader.mjs'

const BARE = { 1: 'stored', 2: 'webp' }
const WHOLE = { 3: 'model', 4: 'bilevel' }

/** Tells whether a file is an archive; a FormatError if it is no .dvq file. */
export function isArchive(data) {
  return parseKind(new Reader(data)) === 'archive'
}

/** Describes an archive; where its images are in it, `first` and `last`, is for `decodeMember`. */
export function describeArchive(data) {
  const { segments, faults } = readArchive(data)
  const images = segments.flatMap((segment) => membersOf(segment, faults))
  return { kind: 'archive', images: images.sort((a, b) => a.position - b.position), faults, fault: faults[0] ?? null }
}

function membersOf({ number, head, names, start, end, payload }, faults) {
  try {
    const files = head.kind === 'files' ? filesOf(payload, head.positions.length) : null
    return head.positions.map((position, index) => {
      const { width, height, mode, lossless } = files ? parse(files[index]).header : { ...head, lossless: true }
      const place = { segment: number, index, first: start, last: end, weightsId: head.weightsId }
      return { position, name: names[index], width, height, mode, lossless, ...place }
    })
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    faults.push(`segment ${number}: ${error.message}`)
    return []
  }
}

/** Returns the files of a payload. */
function filesOf(payload, count) {
  const reader = new Reader(payload)
  const sizes = Array.from({ length: count }, () => reader.varint('the size of a file', 2 ** 31))
  if (sizes.reduce((sum, size) => sum + size, reader.position) !== payload.length) {
    throw new FormatError('a segment of files is not valid: their sizes do not add up')
  }
  return sizes.map((size) => reader.take(size))
}

/**
 * Decodes one image of a segment.
 * @param {Uint8Array} segment The bytes of the archive from the segment's `first` to its `last`.
 * @param {{index: number, weightsId: string}} image The image's number in the segment, from 0 on, and the id of the
 *   weights of a set, which may stand elsewhere in the archive.
 */
export async function decodeMember(segment, { index, weightsId }, store, options) {
  const { head, size } = parseMark(segment)
  const payload = segment.subarray(size + head.namesSize)
  if (head.kind === 'files') return decodeParsed(parse(filesOf(payload, head.positions.length)[index]), store, options)
  return tileOf(await stackOf(payload, { ...head, weightsId }, store, options), head, index)
}

const latest = { key: '', picture: null }

/** Returns the images of a segment below each other; the last ones are kept, since they are asked for one by one. */
async function stackOf(payload, head, store, options) {
  const key = `${head.payloadCrc} ${head.payloadSize} ${head.samplesCrc}`
  if (latest.key === key) return latest.picture
  const set = head.kind === 'set'
  const picture = set ? await setPicture(payload, head, store, options) : await exactPicture(stackFile(payload, head), store, {})
  Object.assign(latest, { picture, key })
  return picture
}

/** Returns the images of a set below each other. */
async function setPicture(payload, { weightsId, mode, width, height, positions, samplesCrc }, store, { onProgress = () => {} }) {
  if (!weightsId) throw new FormatError('the id of its weights is lost')
  const model = await store.model(weightsId, 'set')
  if (!model.suits(mode, height, width)) throw new FormatError('the images of a set do not have the size in its head')
  const samples = model.set(payload, positions.length, onProgress)
  if (crc32(samples) !== samplesCrc) throw new FormatError('the decoded pixels do not match their checksum')
  return { width, height: height * positions.length, mode, samples, white: 255, palette: null }
}

function stackFile(payload, head) {
  const rows = head.positions.length * head.height
  if (WHOLE[payload[0]]) return checked(parse(payload.subarray(1)), head, rows)
  const kind = BARE[payload[0]]
  if (!kind) throw new FormatError('a mosaic is not valid: an unknown method')
  const reader = new Reader(payload)
  reader.take(1)
  const palette = head.palette ? reader.take(reader.varint('the size of the palette', 2048)) : null
  const pixels = payload.subarray(reader.position)
  const header = new Header({ kind, width: head.width, height: rows, mode: head.mode, white: 255, samplesCrc: head.samplesCrc })
  const section = (part, bytes) => ({ part, name: part, size: bytes.length, offset: 0, bytes, whole: true, layers: 0 })
  return new DvqFile(header, 0, 0, [...(palette ? [section('palette', palette)] : []), section('pixels', pixels)])
}

function checked(file, head, rows) {
  const { kind, height, width, mode, samplesCrc } = file.header
  const fits = Object.values(WHOLE).includes(kind) && height === rows && width === head.width && mode === head.mode
  if (!fits) throw new FormatError('a mosaic is not valid: its file does not fit its head')
  if (samplesCrc !== head.samplesCrc) throw new FormatError('a mosaic is not valid: its checksums differ')
  if (file.fault) throw file.fault
  return file
}

function tileOf(stack, { width, height }, index) {
  const size = width * height * CHANNELS[stack.mode]
  const picture = { ...stack, height, samples: stack.samples.subarray(index * size, (index + 1) * size) }
  const nothing = new Uint8Array(0)
  return { picture, header: picture, reduced: false, metadata: { icc: nothing, exif: nothing } }
}
