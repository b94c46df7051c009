/** The head of a .dvq file of one image, up to its table of sections. docs/FORMAT.md is the specification. */

import { FormatError } from './errors.mjs'
import { hexadecimal } from './reader.mjs'

const MAGIC = [0x8b, 0x44, 0x56, 0x51]
/** The one format version. */
export const VERSION = 4
const KINDS = ['lossy', 'stored', 'webp', 'model', 'bilevel', 'archive', 'file', 'deep', 'jpeg']
/** Pillow's names of the modes, as the format numbers them. */
export const MODES = ['1', 'L', 'LA', 'RGB', 'RGBA', 'P', 'PA']
const SHALLOW = ['L', 'LA', 'RGB', 'RGBA']
const MODES_OF = {
  lossy: SHALLOW,
  stored: MODES,
  webp: MODES,
  model: SHALLOW,
  bilevel: ['1'],
  file: MODES,
  deep: SHALLOW,
  jpeg: SHALLOW,
}
const MAX_SIDE = 2 ** 20 - 1
const MAX_AREA = 2 ** 28
const ICC = 8
const EXIF = 16
const XMP = 32
const EXTRA = 64
const PROPERTIES = 128

/** What the header of an image says, except for its table of sections. */
export class Header {
  /** Takes the fields that were read. */
  constructor(fields) {
    Object.assign(this, fields)
    this.deep = this.white > 255
    this.bits = this.mode === '1' ? 1 : 32 - Math.clz32(this.white)
    this.lossless = this.kind !== 'lossy'
    this.grey = ['1', 'L', 'LA'].includes(this.mode)
    this.alpha = ['LA', 'RGBA', 'PA'].includes(this.mode)
    this.hasSymbols = ['lossy', 'model'].includes(this.kind)
    this.alphaApart = this.alpha && ['lossy', 'model', 'jpeg'].includes(this.kind)
    this.hasPixelModel = ['model', 'bilevel'].includes(this.kind)
  }

  /** The size of the image that the hierarchy's symbols describe: half of the file's under the kind `model`. */
  get symbolsSize() {
    const by = this.kind === 'model' ? 2 : 1
    return { height: Math.ceil(this.height / by), width: Math.ceil(this.width / by) }
  }
}

/** Returns the kind of a file by how it begins; a FormatError if it is not of this format version. */
export function parseKind(reader) {
  const magic = reader.data.subarray(0, 4)
  if (!magic.every((byte, i) => byte === MAGIC[i])) throw new FormatError('not a .dvq file')
  if (!magic.length) throw new FormatError('the file is empty')
  reader.take(4)
  const version = reader.number(1)
  const kind = reader.number(1)
  if (version !== VERSION) {
    throw new FormatError(`format version ${version} is not one this release reads`, 'upgrade dvcodec')
  }
  if (kind >= KINDS.length) {
    throw new FormatError('the file is of a kind that this release does not know', 'upgrade dvcodec')
  }
  return KINDS[kind]
}

/** Returns the header of an image, and the flags of its sections. */
export function parseHeader(reader) {
  const kind = parseKind(reader)
  if (kind === 'archive') {
    throw new FormatError('it is an archive of many images', 'name its file, or use decompress_archive in Python')
  }
  const form = reader.number(1)
  const marked = (form & 7) === 7
  const mode = marked ? reader.number(1) : form & 7
  const white = marked ? reader.number(2) : 255
  if (mode >= MODES.length) {
    throw new FormatError('the header asks for features that this release does not know', 'upgrade dvcodec')
  }
  const header = new Header({ kind, mode: MODES[mode], white, ...fieldsOf(reader, kind) })
  if (marked && !header.deep) throw new FormatError('the header is not valid: deep samples of 8 bits')
  check(header, form & ~7)
  return { header, flags: form & ~7 }
}

function fieldsOf(reader, kind) {
  const width = reader.varint('the width', MAX_SIDE)
  const height = reader.varint('the height', MAX_SIDE)
  const symbols = kind === 'lossy' || kind === 'model'
  const setting = symbols ? reader.number(2) : 0
  return {
    width,
    height,
    quality: setting & 0x7fff,
    perceptual: setting >= 0x8000,
    weights: symbols ? hexadecimal(reader.take(8)) : '',
    samplesCrc: kind === 'lossy' || kind === 'file' ? 0 : reader.number(4),
    pixelWeights: kind === 'model' || kind === 'bilevel' ? hexadecimal(reader.take(8)) : '',
  }
}

/** Returns the sections of a file in its order, by name. */
export function sectionsOf(header, flags) {
  const present = {
    icc: flags & ICC,
    palette: flags & EXTRA && header.lossless,
    chunks: header.hasSymbols,
    filter: flags & EXTRA && !header.lossless,
    pixels: header.lossless,
    alpha: header.alphaApart,
    exif: flags & EXIF,
    xmp: flags & XMP,
    properties: flags & PROPERTIES,
  }
  return Object.keys(present).filter((name) => present[name])
}

/** Refuses what the bytes of a header can say and no image may. */
function check(header, flags) {
  const { kind, mode, width, height, quality } = header
  const deepStored = kind === 'stored' && SHALLOW.includes(mode)
  const faults = [
    [header.perceptual && header.lossless, 'a lossless image coded for the eye'],
    [header.hasSymbols && !(quality >= 256 && quality <= 25600), 'quality out of range'],
    [!(width * height), 'the image has no pixels'],
    [width * height > MAX_AREA, ''],
    [!MODES_OF[kind].includes(mode), `a ${kind} image of mode ${mode}`],
    [header.deep !== (kind === 'deep') && !deepStored, `a ${kind} image of ${header.bits} bits`],
    [kind === 'lossy' && header.grey && flags & EXTRA, 'a grey image with a filter of colours'],
    [kind === 'file' && flags, 'an image file that is kept has its metadata inside'],
  ]
  const fault = faults.find(([wrong]) => wrong)
  if (!fault) return
  if (fault[1]) throw new FormatError(`the header is not valid: ${fault[1]}`)
  throw new FormatError(`the header claims ${width} x ${height} pixels; the format's limit is ${MAX_AREA} in all`)
}
