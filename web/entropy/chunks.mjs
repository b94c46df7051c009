/** The chunks of a file, one after the other, as layers ask for them. */

import { ChunkDecoder } from './rans.mjs'

/** Reads the symbols of chunks. */
export class ChunkReader {
  /** @param {{layers: number, payload: Uint8Array}[]} chunks */
  constructor(chunks) {
    this.chunks = [...chunks]
    this.end = 0
    this.open = null
  }

  /** Goes on to a layer, whose chunk may be the next one. */
  begin(layer) {
    while (layer >= this.end) {
      this.open?.finish()
      const { layers, payload } = this.chunks.shift()
      this.open = new ChunkDecoder(payload)
      this.end += layers
    }
  }

  /** Checks the last chunk, unless it has layers from `stop` on. */
  finish(stop) {
    while (this.end < stop) this.begin(this.end)
    if (this.end === stop) this.open?.finish()
  }
}
