/** Writes PNG files with exactly the pixels that were decoded, and what is known of their colours. */

import { crc32 } from '../bitstream/checksums.mjs'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function chunk(name, body) {
  const out = new Uint8Array(12 + body.length)
  const view = new DataView(out.buffer)
  view.setUint32(0, body.length)
  out.set(new TextEncoder().encode(name), 4)
  out.set(body, 8)
  view.setUint32(8 + body.length, crc32(out.subarray(4, 8 + body.length)))
  return out
}

/** Returns the chunks that say what the samples mean as colours; see "ICC, EXIF and XMP" in docs/FORMAT.md. */
async function colourChunks(icc) {
  if (!icc?.length) return []
  if (icc[0] !== 0) return [chunk('iCCP', Uint8Array.of(...new TextEncoder().encode('ICC'), 0, 0, ...(await deflated(icc))))]
  const [kind, rest] = [icc[1] & 3, icc.subarray(2)]
  if (kind === 1 && rest[0] === 1 && rest[1] === 13 && rest[2] === 1) return [chunk('sRGB', Uint8Array.of((icc[1] >> 3) & 3))]
  if (kind === 1) return [chunk('cICP', Uint8Array.of(rest[0], rest[1], 0, rest[2]))]
  const gamma = rest.subarray(0, 4).some((byte) => byte) ? [chunk('gAMA', rest.subarray(0, 4))] : []
  return rest.length > 4 ? [...gamma, chunk('cHRM', rest.subarray(4))] : gamma
}

/** Returns rows of samples as PNG filters them: each sample less the one to the left. */
function filtered({ data, width, height }, channels) {
  const row = 1 + width * channels
  const out = new Uint8Array(height * row)
  for (let y = 0, at = 0; y < height; y++) {
    const before = new Uint8Array(channels)
    let to = y * row
    out[to++] = 1
    for (let x = 0; x < width; x++, at += 4) {
      for (let c = 0; c < channels; c++) {
        out[to++] = data[at + c] - before[c]
        before[c] = data[at + c]
      }
    }
  }
  return out
}

/**
 * Returns the bytes of a PNG file.
 * @param {{data: Uint8ClampedArray, width: number, height: number, icc?: Uint8Array}} image
 */
export async function pngOf(image) {
  const opaque = !image.data.some((value, i) => i % 4 === 3 && value !== 255)
  const channels = opaque ? 3 : 4
  const header = new Uint8Array(13)
  new DataView(header.buffer).setUint32(0, image.width)
  new DataView(header.buffer).setUint32(4, image.height)
  header.set([8, opaque ? 2 : 6], 8)
  const body = await deflated(filtered(image, channels))
  const parts = [chunk('IHDR', header), ...(await colourChunks(image.icc)), chunk('IDAT', body), chunk('IEND', new Uint8Array(0))]
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, SIGNATURE.length))
  out.set(SIGNATURE)
  parts.reduce((at, part) => (out.set(part, at), at + part.length), SIGNATURE.length)
  return out
}
