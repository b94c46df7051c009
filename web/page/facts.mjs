/** What the page says of a file. */

const KINDS = {
  lossy: 'lossy',
  stored: 'lossless, stored',
  webp: 'lossless WebP',
  model: 'lossless',
  bilevel: 'lossless, black and white',
  file: 'an image file that is kept',
  deep: 'lossless, more than 8 bits',
  jpeg: 'lossless, of a JPEG image',
  archive: 'an archive of many images',
}

/** Returns a number of bytes with a unit. */
function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`
  const million = bytes >= 1e6
  return `${(bytes / (million ? 1e6 : 1e3)).toPrecision(3)} ${million ? 'MB' : 'kB'}`
}

/** Returns names and values of the facts of a file. */
export function factsOf(about, bytes) {
  if (!about) return []
  const { width, height, mode, bitDepth, kind, quality, tune, chunks, iccBytes, exifBytes, filterBytes, bpp } = about
  if (kind === 'archive') return [['kind', KINDS.archive], ['images', String(about.images.length)], ['file', sizeOf(bytes.length)]]
  if (kind === 'member') {
    const how = about.lossless ? 'lossless' : 'lossy'
    return [['size', `${width} x ${height} pixels`], ['mode', mode], ['kind', `${how}, in an archive`]]
  }
  const facts = [
    ['size', `${width} x ${height} pixels`],
    ['mode', bitDepth > 8 ? `${mode}, ${bitDepth} bits` : mode],
    ['kind', KINDS[kind]],
    ['file', `${sizeOf(bytes.length)}, ${bpp.toPrecision(3)} bits per pixel`],
  ]
  if (kind === 'lossy') facts.push(['quality', `${quality}, ${tune === 'psnr' ? 'for PSNR' : 'for the eye'}`])
  if (chunks.length) facts.push(['chunks', String(chunks.length)])
  if (filterBytes) facts.push(['filter', sizeOf(filterBytes)])
  if (iccBytes) facts.push(['colours', 'own profile'])
  if (exifBytes) facts.push(['EXIF', sizeOf(exifBytes)])
  return facts
}
