/** The .dvq file of one image: header with its table of sections, then the sections, with their checksums. */

import { crc32 } from './checksums.mjs'
import { FormatError, TruncatedFile } from './errors.mjs'
import { parseHeader, sectionsOf } from './header.mjs'
import { Reader } from './reader.mjs'

const MAX_LAYERS = 4096
const MAX_SECTION = 2 ** 40
const NAMES = {
  icc: 'the ICC profile',
  palette: 'the palette',
  filter: 'the adaptive filter',
  pixels: 'the pixels',
  alpha: 'the alpha channel',
  exif: 'EXIF',
  xmp: 'XMP',
  properties: 'resolution and texts',
}

/** A parsed file: its header, and its sections as far as the bytes go. */
export class DvqFile {
  /** Takes what was parsed. */
  constructor(header, headerBytes, actualBytes, sections) {
    this.header = header
    this.headerBytes = headerBytes
    this.actualBytes = actualBytes
    this.sections = sections
    this.totalBytes = headerBytes + sections.reduce((sum, section) => sum + section.size, 0)
    this.chunks = this.all('chunks')
    const broken = this.chunks.findIndex((chunk) => !chunk.whole)
    /** How many chunks can be decoded: those that are whole and have only whole ones before them. */
    this.wholeChunks = broken < 0 ? this.chunks.length : broken
  }

  /** Returns all sections of a part. */
  all(part) {
    return this.sections.filter((section) => section.part === part)
  }

  /** Returns the section of a part, or undefined. */
  one(part) {
    return this.sections.find((section) => section.part === part)
  }

  /** What is wrong with the file, cut short, damaged or followed by other bytes; null if it is whole. */
  get fault() {
    const whole = this.wholeChunks
    const total = this.chunks.length
    const broken = this.sections.find((section) => !section.whole)
    if (this.actualBytes < this.totalBytes && (!broken || broken.offset + broken.size > this.actualBytes)) {
      return new TruncatedFile(whole, total, broken && whole === total ? broken.name : '')
    }
    if (broken) {
      const chunks = whole > 1 ? `the ${whole} whole chunks` : 'the one whole chunk'
      const hint = whole ? `--preview all decodes ${chunks} of ${total}` : ''
      return new FormatError(`${broken.name} is damaged: its checksum does not match`, hint)
    }
    const surplus = this.actualBytes - this.totalBytes
    return surplus ? new FormatError(`${surplus} bytes follow the end of the image`) : null
  }
}

/** Returns the bytes of a section; none where there is no such section, or it is cut or damaged. */
export function payloadOf(section) {
  return section && section.whole ? section.bytes : new Uint8Array(0)
}

/**
 * Parses a file and verifies the checksums of all that is there; its `fault` says what is wrong after its header.
 * @param {Uint8Array} data
 */
export function parse(data) {
  const reader = new Reader(data)
  const { header, flags } = parseHeader(reader)
  const rows = sectionsOf(header, flags).flatMap((part) => parseRows(reader, part, header))
  if (rows.some((row) => row.size === 0 && row.part !== 'alpha')) {
    throw new FormatError('the header is not valid: an empty section')
  }
  const expected = crc32(data.subarray(0, reader.position))
  if (reader.number(4) !== expected) throw new FormatError('the header is damaged: its checksum does not match')
  return new DvqFile(header, reader.position, data.length, placed(rows, reader.position, data))
}

function parseRows(reader, part, header) {
  if (part === 'chunks') return parseChunks(reader)
  if (part === 'pixels' && (header.hasPixelModel || header.kind === 'deep')) {
    const count = stripCount(header)
    const first = header.kind === 'deep' ? [parseRow(reader, part, 'the levels')] : []
    const strips = Array.from({ length: count }, (_, i) => parseRow(reader, part, `strip ${i + 1} of ${count}`))
    return [...first, ...strips]
  }
  if (part === 'pixels' && header.kind === 'jpeg') {
    const names = ['the frame', 'luma', ...(header.grey ? [] : ['chroma']), 'the corrections']
    return names.map((name) => parseRow(reader, part, `${name} of the pixels`))
  }
  return [parseRow(reader, part, NAMES[part])]
}

/** Returns how many rows a strip of lossless pixels has. */
export function stripRows(width) {
  return Math.max(8, 8 * Math.floor(2 ** 20 / (8 * width)))
}

/** Returns the number of sections in which a model codes the pixels. */
function stripCount({ kind, width, height }) {
  if (kind !== 'bilevel') return Math.ceil(height / stripRows(width))
  return Math.ceil((Math.ceil(height / 4096) * Math.ceil(width / 4096)) / tilesOfStrip(height, width))
}

/** Returns how many tiles a strip of a bilevel image has. */
export function tilesOfStrip(height, width) {
  const rows = Math.min(height, 4096)
  const area = rows * Math.min(width, 4096)
  return Math.max(1, Math.min(Math.floor(2 ** 15 / rows), Math.floor(2 ** 24 / area)))
}

function parseChunks(reader) {
  const count = reader.varint('the number of chunks', MAX_LAYERS)
  if (!count) throw new FormatError('the header is not valid: there are no chunks')
  const rows = []
  let total = 0
  for (let i = 0; i < count; i++) {
    const layers = reader.varint('the layers of a chunk', MAX_LAYERS)
    rows.push({ ...parseRow(reader, 'chunks', `chunk ${i + 1} of ${count}`), layers })
    if (!layers) throw new FormatError('the header is not valid: a chunk without layers')
    total += layers
  }
  if (total > MAX_LAYERS) throw new FormatError('the header is not valid: too many layers')
  return rows
}

function parseRow(reader, part, name) {
  const size = reader.varint(`the size of ${name}`, MAX_SECTION)
  return { part, name, size, crc: size ? reader.number(4) : 0, layers: 0 }
}

function placed(rows, start, data) {
  let offset = start
  return rows.map((row) => {
    const bytes = data.subarray(Math.min(offset, data.length), Math.min(offset + row.size, data.length))
    const whole = bytes.length === row.size && (!row.size || crc32(bytes) === row.crc)
    const section = { ...row, offset, bytes, whole }
    offset += row.size
    return section
  })
}
