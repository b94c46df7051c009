/** The metadata of an image: ICC, EXIF, XMP, resolution and texts. */

import { FormatError, TruncatedFile } from '../bitstream/errors.mjs'
import { Reader } from '../bitstream/reader.mjs'
import { payloadOf } from '../bitstream/container.mjs'
import { inflate } from '../compression/inflate.mjs'

const LIMIT = 2 ** 24
const MOST_TEXTS = 4096

/**
 * Returns the metadata of a file.
 * @param {import('../bitstream/container.mjs').DvqFile} file
 * @param {boolean} strict Whether parts that are damaged are errors; they count as absent otherwise.
 */
export function metadataOf(file, strict) {
  const part = (name, read) => {
    const section = file.one(name)
    try {
      return read(section && section.whole ? section.bytes : payloadOf(null), section?.name)
    } catch (error) {
      if (strict || !(error instanceof FormatError)) throw error
      return read(payloadOf(null))
    }
  }
  const [icc, exif, xmp] = ['icc', 'exif', 'xmp'].map((name) => part(name, unpack))
  return { icc, exif, xmp, ...part('properties', properties) }
}

function unpack(section, name = 'the metadata') {
  if (!section.length) return section
  const body = section.subarray(1)
  if (section[0] === 0) return body
  if (section[0] === 1) return inflate(body, LIMIT, name)
  if (section[0] === 2) return described(body)
  throw new FormatError(`${name}: the method is unknown`)
}

/** Returns a description of colours in a few bytes as it stands, marked by a zero byte, which begins no profile. */
function described(code) {
  const kind = code.length && !(code[0] >> 5) ? code[0] & 3 : 0
  const valid = (kind === 1 && code.length === 4) || (kind === 2 && (code.length === 5 || code.length === 37))
  if (!valid) throw new FormatError('the metadata is not valid: unknown description of colours')
  return Uint8Array.of(0, ...code)
}

function properties(section) {
  if (!section.length) return { resolution: null, texts: [] }
  const reader = new Reader(unpack(section, 'resolution and texts'))
  let found
  try {
    const resolution = [0, 1].map(() => reader.varint('a resolution', 2 ** 32 - 1))
    found = { resolution, texts: textsOf(reader) }
  } catch (error) {
    if (!(error instanceof TruncatedFile || error instanceof TypeError)) throw error
    throw new FormatError('the resolution and the texts are not valid')
  }
  const [across, down] = found.resolution
  if (!across !== !down) throw new FormatError('the resolution is not valid: only one side has one')
  return { ...found, resolution: across ? found.resolution : null }
}

function textsOf(reader) {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const texts = []
  while (reader.position < reader.data.length) {
    texts.push([0, 1].map(() => decoder.decode(reader.take(reader.varint('a text', LIMIT)))))
    if (texts.length > MOST_TEXTS) throw new FormatError(`the file has more than ${MOST_TEXTS} texts`)
  }
  return texts
}

/** Returns the orientation that EXIF gives, 1 to 8: how the stored pixels are turned when they are shown. */
export function orientationOf(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength)
  const little = exif[0] === 0x49
  if (exif.length < 14 || exif[0] !== exif[1] || !(little || exif[0] === 0x4d)) return 1
  const first = view.getUint32(4, little)
  if (first + 2 > exif.length) return 1
  const count = view.getUint16(first, little)
  for (let at = first + 2; at + 12 <= Math.min(first + 2 + 12 * count, exif.length); at += 12) {
    if (view.getUint16(at, little) !== 0x0112) continue
    const value = view.getUint16(at + 8, little)
    return value >= 1 && value <= 8 ? value : 1
  }
  return 1
}
