/** What the header of a .dvq file tells, without weights. */

import { parse, payloadOf } from './bitstream/container.mjs'
import { TruncatedFile } from './bitstream/errors.mjs'
import { VERSION } from './bitstream/header.mjs'
import { typeOf } from './images/kept_file.mjs'

/**
 * Describes a file; its header must be valid, whatever comes after it may be broken.
 * @param {Uint8Array} data
 */
export function describe(data) {
  const file = parse(data)
  const { header, fault } = file
  const size = (part) => file.all(part).reduce((sum, section) => sum + section.size, 0)
  return {
    formatVersion: VERSION,
    kind: header.kind,
    width: header.width,
    height: header.height,
    mode: header.mode,
    bitDepth: header.bits,
    lossless: header.lossless,
    quality: header.hasSymbols ? header.quality / 256 : null,
    tune: header.lossless ? null : header.perceptual ? 'perceptual' : 'psnr',
    weightsId: header.weights || null,
    pixelWeightsId: header.pixelWeights || null,
    chunks: file.chunks.map(({ size: bytes, layers }, i) => ({ bytes, layers, whole: i < file.wholeChunks })),
    wholeChunks: file.wholeChunks,
    headerBytes: file.headerBytes,
    alphaBytes: file.one('alpha')?.size ?? null,
    pixelBytes: size('pixels'),
    iccBytes: size('icc'),
    exifBytes: size('exif'),
    xmpBytes: size('xmp'),
    propertiesBytes: size('properties'),
    filterBytes: size('filter'),
    totalBytes: file.totalBytes,
    actualBytes: data.length,
    bpp: (8 * file.totalBytes) / (header.width * header.height),
    truncated: fault instanceof TruncatedFile,
    keptType: header.kind === 'file' ? typeOf(payloadOf(file.one('pixels'))) : null,
    fault: fault ? fault.message : null,
  }
}
