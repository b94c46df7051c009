/** Parses the bytes of an archive around its payloads: segment heads and the end mark. */

import { crc32 } from '../bitstream/checksums.mjs'
import { FormatError } from '../bitstream/errors.mjs'
import { MODES } from '../bitstream/header.mjs'
import { Reader, hexadecimal } from '../bitstream/reader.mjs'

/** The first bytes of every segment, by which the next one is found after damage. */
export const MARKER = [0xd1, 0x53]
/** An upper bound of the bytes of a head or an end mark. */
export const HEAD_LIMIT = 2048
/** The largest number of images in an archive. */
export const MAX_IMAGES = 2 ** 24
const MAX_SIDE = 2 ** 20 - 1
const MAX_PIXELS = 2 ** 24
const KINDS = ['files', 'mosaic', 'set']

/**
 * Parses the head or end mark with which bytes begin.
 * @param {Uint8Array} data
 * @returns {{head?: object, end?: object, size: number}}
 */
export function parseMark(data) {
  const reader = new Reader(data)
  const marker = reader.take(2)
  if (marker[0] !== MARKER[0] || marker[1] !== MARKER[1]) throw new FormatError('the marker of a segment is missing')
  const form = reader.number(1)
  const last = (form & 3) === 3
  const found = last ? parseEnd(reader, form) : parseHead(reader, form)
  const expected = crc32(data.subarray(0, reader.position))
  if (reader.number(4) !== expected) {
    throw new FormatError('the head of a segment is damaged: its checksum does not match')
  }
  if (!last) check(found)
  return { [last ? 'end' : 'head']: found, size: reader.position }
}

function parseEnd(reader, form) {
  if (form !== 3) throw new FormatError('the end mark is not valid')
  const images = reader.varint('the number of images', MAX_IMAGES)
  const segments = reader.varint('the number of segments', MAX_IMAGES)
  const count = reader.varint('the number of weights', 16)
  return { images, segments, weights: Array.from({ length: count }, () => hexadecimal(reader.take(8))) }
}

function parseHead(reader, form) {
  const kind = KINDS[form & 3]
  const plain = kind === 'files'
  if (form >> 5 >= MODES.length || (plain && form & ~12)) {
    throw new FormatError('a segment asks for features that this release does not know', 'upgrade dvcodec')
  }
  const positions = positionsOf(reader, form & 4)
  const [width, height] = ['width', 'height'].map((side) => (plain ? 0 : reader.varint(`the ${side}`, MAX_SIDE)))
  const weights = kind === 'set' ? reader.varint('the number of the weights', 15) : 0
  const weightsId = kind === 'set' && form & 16 ? hexadecimal(reader.take(8)) : ''
  const namesSize = form & 8 ? reader.varint('the size of the names', 2 ** 19) : 0
  const namesCrc = form & 8 ? reader.number(4) : 0
  const payloadSize = reader.varint('the size of a payload', 2 ** 31)
  const payloadCrc = reader.number(4)
  const samplesCrc = plain ? 0 : reader.number(4)
  const sizes = { payloadSize, payloadCrc, namesSize, namesCrc, samplesCrc }
  const palette = kind === 'mosaic' && (form & 16) > 0
  return { kind, positions, width, height, mode: MODES[form >> 5], palette, weights, weightsId, ...sizes }
}

function positionsOf(reader, listed) {
  const count = reader.number(1) + 1
  const positions = [reader.varint('the place of an image', MAX_IMAGES - 1)]
  for (let i = 1; i < count; i++) {
    positions.push(positions[i - 1] + 1 + (listed ? reader.varint('the place of an image', MAX_IMAGES - 1) : 0))
  }
  return positions
}

/** Refuses values that a head can hold but no archive may. */
function check({ kind, positions, payloadSize, mode, width, height }) {
  if (positions[positions.length - 1] >= MAX_IMAGES || !payloadSize) throw new FormatError('the head of a segment is not valid')
  if (kind === 'files') return
  if (kind === 'set' && mode.startsWith('P')) throw new FormatError('the head of a segment is not valid: a set of indices')
  const rows = positions.length * height
  if (!(rows * width) || rows > MAX_SIDE || rows * width > MAX_PIXELS) {
    throw new FormatError('the head of a segment is not valid: its images are too large together, or empty')
  }
}
