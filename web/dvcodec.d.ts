/** Decodes .dvq files in browsers and in Node.js. */

/** A decoded image: an ImageData in browsers, in Node.js an object of the same shape. */
export interface DecodedImage {
  /** Red, green, blue and alpha of every pixel, in raster order. Deeper samples are rounded to 8 bits. */
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
  readonly colorSpace: 'srgb' | string
  /** The mode of the file's image: 1, L, LA, RGB, RGBA, P or PA. */
  readonly mode: string
  /** How the stored pixels are turned when they are shown, 1 to 8 as in EXIF. It is not applied to `data`. */
  readonly orientation: number
  /** The ICC profile; empty for sRGB. After a first byte of 0, the few bytes that docs/FORMAT.md describes instead. */
  readonly icc: Uint8Array
}

/** What `onProgress` gets first, of the coarse strides alone: the image at an eighth of its size. */
export type CoarseImage = Pick<DecodedImage, 'data' | 'width' | 'height' | 'colorSpace'>

export interface DecodeOptions {
  /** The size of the result, of which each side is rounded up. */
  scale?: 1 | 0.5 | 0.25 | 0.125 | '1/1' | '1/2' | '1/4' | '1/8'
  /** How many chunks of symbols to decode, or "all" that are whole; faults behind them are ignored. */
  preview?: number | 'all' | null
  /** The most pixels that an image may have; 201326592 unless it is given. */
  maxPixels?: number
  /** Called with the share of the work that is done, and once with a coarse picture, while `decode` runs. */
  onProgress?: (share: number, picture?: CoarseImage) => void
  /** Ends the work at the next report of progress. */
  signal?: AbortSignal
}

/** The bytes of a file. */
export type FileSource = Uint8Array | ArrayBuffer | ArrayBufferView

/** An image of an archive: the bytes of the archive, and one of the images that `info` lists. */
export interface ArchiveSource {
  archive: FileSource
  image: ArchiveImage
}

/** An image of an archive. `name` is empty if it has none; the last five fields say where it is. */
export interface ArchiveImage {
  position: number
  name: string
  width: number
  height: number
  mode: string
  lossless: boolean
  segment: number
  index: number
  first: number
  last: number
  /** The id of the weights of a set of small images; empty for others. */
  weightsId: string
}

/** An archive, with its faults in the command line's words. */
export interface ArchiveInfo {
  kind: 'archive'
  images: ArchiveImage[]
  faults: string[]
  fault: string | null
}

/** One chunk of symbols. */
export interface ChunkInfo {
  bytes: number
  layers: number
  whole: boolean
}

/** A file as its header describes it; sizes in bytes, null for what a kind of file does not have. */
export interface FileInfo {
  formatVersion: number
  kind: 'lossy' | 'stored' | 'webp' | 'model' | 'bilevel' | 'file' | 'deep' | 'jpeg'
  width: number
  height: number
  mode: string
  /** Bits of a sample. */
  bitDepth: number
  lossless: boolean
  quality: number | null
  tune: 'perceptual' | 'psnr' | null
  weightsId: string | null
  pixelWeightsId: string | null
  chunks: ChunkInfo[]
  wholeChunks: number
  headerBytes: number
  alphaBytes: number | null
  pixelBytes: number
  iccBytes: number
  exifBytes: number
  xmpBytes: number
  propertiesBytes: number
  filterBytes: number
  totalBytes: number
  /** What is there; less than `totalBytes` if the file is cut short. */
  actualBytes: number
  /** Bits per pixel of the whole file. */
  bpp: number
  truncated: boolean
  /** The media type of the image file that is kept; null for other kinds. */
  keptType: string | null
  /** What is wrong with the file, in the command line's words; null if nothing is. */
  fault: string | null
}

/** A weights file that is loaded when a .dvq file first names it; without an id, also to find out what it is. */
export interface WeightsSource {
  name?: string
  /** The first 8 bytes of the identity, hexadecimal. */
  id?: string
  format?: string
  load: () => Promise<Uint8Array>
}

/** Says where weights files come from. */
export function useWeights(sources: WeightsSource[]): void

/** Loads the weights of an id, so that the first file that names them need not wait for them. */
export function prepare(id: string): Promise<void>

/**
 * Decodes the file of one image. The work runs in the calling thread; a page calls this in a worker.
 * @throws DvcodecError in the command line's words.
 */
export function decode(source: FileSource | ArchiveSource, options?: DecodeOptions): Promise<DecodedImage>

/** Describes a file; needs no weights. */
export function info(source: FileSource): FileInfo | ArchiveInfo

/** Returns the image file that a file of the kind `file` keeps, byte for byte, and its media type; null for other kinds. */
export function keptFile(source: FileSource): { bytes: Uint8Array; type: string } | null

/** Base of all errors that are thrown on purpose; the message is a reason and, in brackets, a hint. */
export class DvcodecError extends Error {
  readonly reason: string
  readonly hint: string
}
/** The bytes are not a valid .dvq file, or not one that this release reads. */
export class FormatError extends DvcodecError {}
/** The file ends early. */
export class TruncatedFile extends FormatError {
  readonly whole: number
  readonly total: number | null
}
/** The image is larger than the caller allows. */
export class LimitExceeded extends DvcodecError {}
/** No weights of that id are at hand. */
export class WeightsNotFound extends DvcodecError {}
