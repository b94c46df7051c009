/** The light photograph model: from chunks of symbols to pixels, the same on every machine. */

import { FormatError } from '../bitstream/errors.mjs'
import { ChunkReader } from '../entropy/chunks.mjs'
import { residualsOf } from '../entropy/residuals.mjs'
import { networkQuality, sigmaOf } from '../weights/quality.mjs'
import { Inverse, SymbolValues } from './inverse.mjs'
import { LAYERS, STRIDES, reducedLayers } from './layout.mjs'
import { PostFilter } from './post_filter.mjs'
import { meanPixels, pixelsOf, smallerPixels } from './rendering.mjs'
import { ALPHABET, tableOf } from './table.mjs'
import { Pass, TopDownMaps } from './top_down.mjs'

/** Reads the symbols of chunks. */
class Source extends ChunkReader {
  constructor(chunks, tables) {
    super(chunks)
    this.tables = tables
  }

  /** Returns the residuals of a step. */
  residuals(contexts) {
    return residualsOf(this.open, ALPHABET, this.tables, contexts)
  }
}

/** A light photograph model of a weights file. */
export class LightModel {
  /**
   * Takes what a weights file holds.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {{about: object, tensors: import('../weights/safetensors.mjs').Tensors}} weights
   */
  constructor(machine, { about, tensors }) {
    const { config, quality } = about
    this.machine = machine
    this.config = config
    this.range = quality
    this.layers = LAYERS
    this.tables = tableOf(tensors)
    this.maps = new TopDownMaps(machine, config, tensors)
    this.values = [0, 1].map((tuning) => new SymbolValues(tensors, tuning))
    this.postFilter = config.postfilter_width ? new PostFilter(machine, tensors.below('postfilter'), config) : null
  }

  /** Returns sigma at a network quality, in steps of 2^-8 grey levels. */
  sigma(quality) {
    return Math.floor(256 * sigmaOf(this.config, quality) + 0.5)
  }

  /**
   * Decodes chunks to pixels of three colours.
   * @param {{layers: number, payload: Uint8Array}[]} chunks The first ones of a file.
   * @param {{width: number, height: number, quality: number, perceptual: boolean, grey: boolean}} image
   * @param {object} [how] `denominator` of the scale, the `filter`, `onProgress` and `onCoarse`.
   */
  decode(chunks, image, { denominator = 1, filter = null, onProgress = () => {}, onCoarse = null } = {}) {
    return this.machine.scoped(() => {
      const pass = this.pass(chunks, image, { denominator, onProgress, onCoarse })
      const sigma = this.sigma(pass.settings.quality)
      if (denominator === 8) return meanPixels(new Inverse(pass, this.values[pass.settings.tuning]), sigma)
      const samples = new Inverse(pass, this.values[pass.settings.tuning]).samples()
      onProgress(0.5)
      if (denominator > 1) return smallerPixels(samples, pass, denominator, sigma)
      const added = this.postFilter && ((use) => this.postFilter.run(samples, pass.sizes[8], pass.settings, use))
      return pixelsOf(samples, pass, sigma, added, filter, (share) => onProgress(0.5 + 0.5 * share))
    })
  }

  /** Runs the pass over chunks. */
  pass(chunks, image, { denominator, onProgress, onCoarse }) {
    const held = chunks.reduce((sum, chunk) => sum + chunk.layers, 0)
    if (held > this.layers) throw new FormatError(`the file has ${held} layers, its weights have ${this.layers}`)
    const stop = denominator > 1 ? Math.min(reducedLayers(denominator), held) : held
    const { width, height, grey } = image
    const setting = { quality: networkQuality(this.range, image.quality), tuning: Number(image.perceptual) }
    const source = new Source(chunks, this.tables)
    const pass = new Pass(this.maps, { width, height, grey, stop, ...setting }, source)
    for (const stride of STRIDES) {
      if (denominator > 1 && pass.layer >= stop) break
      pass.runStride(stride, denominator > 1)
      if (stride === 16 && onCoarse) onCoarse(meanPixels(new Inverse(pass, this.values[setting.tuning]), this.sigma(setting.quality)))
      onProgress(stride === 8 ? 0.4 : 0.05)
    }
    source.finish(stop)
    return pass
  }
}
