/** What runs in a worker: decodes files on request, and asks for weights when it first needs them. */

import { decode, info, keptFile, prepare, useWeights } from '../dvcodec.mjs'

const awaited = new Map()

/** Returns the bytes of gzip data. */
async function unpacked(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** Returns a source of weights that asks the page for them. */
function sourceOf(about) {
  const load = () =>
    new Promise((resolve, reject) => {
      awaited.set(about.name, { resolve, reject })
      postMessage({ type: 'weights', name: about.name })
    })
  return { ...about, load: async () => unpacked(await load()) }
}

const WORK = {
  prepare: (_, { id }) => prepare(id),
  info: (bytes) => info(bytes),
  kept: (bytes) => keptFile(bytes),
  decode: (bytes, { image, ...options }, report) =>
    decode(image ? { archive: bytes, image } : bytes, { ...options, onProgress: report }),
}

/** Returns the buffers of a result that may be handed over instead of copied. */
function handedOver(result) {
  return [result?.data?.buffer, result?.bytes?.buffer].filter(Boolean)
}

/** Returns a result as plain values: an ImageData loses its further properties on the way. */
function plain(image) {
  if (!(image?.data instanceof Uint8ClampedArray)) return image
  const { data, width, height, mode, orientation, icc } = image
  return { data, width, height, mode, orientation, icc }
}

async function serve({ id, work, bytes, options }) {
  const report = (share, picture) => postMessage({ type: 'progress', id, share, picture: plain(picture) })
  try {
    const result = plain(await WORK[work](bytes, options, report))
    postMessage({ type: 'done', id, result }, handedOver(result))
  } catch (error) {
    const known = error.name === 'DvcodecError'
    const message = known ? error.message : `the decoder failed: ${error.message}`
    postMessage({ type: 'failed', id, message, known, whole: error.whole ?? null })
  }
}

/** Answers the messages of a page. */
export function run() {
  globalThis.onmessage = ({ data }) => {
    if (data.type === 'sources') useWeights(data.sources.map(sourceOf))
    else if (data.type === 'weights') {
      const { resolve, reject } = awaited.get(data.name)
      if (data.packed) resolve(data.packed)
      else reject(new Error(data.message))
    } else serve(data)
  }
}
