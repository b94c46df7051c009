/** What pages get of dvcodec: the global `dvcodec`, and the element <dvq-img>. */

import { DvqImage } from './element.mjs'
import { addFile } from './files.mjs'
import { pngOf } from './png.mjs'
import { request, useWorker } from './pool.mjs'
import { openViewer } from './viewer.mjs'
import { addWeights, announceWeights } from './weights.mjs'

/** Begins: `worker` is the source text of what runs in workers. */
export function begin(worker) {
  useWorker(worker)
  globalThis.dvcodec = {
    addFile,
    addWeights,
    announceWeights,
    openViewer,
    pngOf,
    decode: (bytes, { onProgress, ...options } = {}) => request('decode', bytes, options, onProgress),
    info: (bytes) => request('info', bytes),
    prepare: (id) => request('prepare', null, { id }),
  }
  customElements.define('dvq-img', DvqImage)
}
