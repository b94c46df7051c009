/** The photograph model: from chunks of symbols, the same on every machine, to pixels. */

import { DvcodecError, FormatError } from '../bitstream/errors.mjs'
import { ChunkReader } from '../entropy/chunks.mjs'
import { STRIDES, layersNeeded } from '../light/layout.mjs'
import { byte, show, squares } from '../light/rendering.mjs'
import { networkQuality, sigmaOf } from '../weights/quality.mjs'
import { filtered } from './adaptive_filter.mjs'
import { samplesOf } from './inverse.mjs'
import { LAYOUTS, layersIn } from './layout.mjs'
import { PostFilter } from './post_filter.mjs'
import { Synthesis } from './synthesis.mjs'
import { Chain, Pass } from './top_down.mjs'

/** The smallest picture that the synthesis corrects has this denominator. */
const CORRECTED = 2

/** A photograph model of a weights file. */
export class PhotoModel {
  /**
   * Takes what a weights file holds.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {{about: object, tensors: import('../weights/safetensors.mjs').Tensors}} weights
   */
  constructor(machine, { about, tensors }) {
    const { config, quality, name } = about
    const sizes = [...Object.values(config.widths), config.hidden, config.synthesis_width, config.postfilter_width ?? 0]
    if (!(config.layout in LAYOUTS) || sizes.some((size) => size % 8)) {
      throw new DvcodecError(`this decoder does not run the weights ${name}`, 'use `dvcodec decompress`')
    }
    this.machine = machine
    this.config = config
    this.range = quality
    this.stages = LAYOUTS[config.layout]
    this.layers = layersIn(this.stages)
    this.chain = new Chain(machine, config, this.stages, tensors.below('chain'))
    this.synthesis = new Synthesis(machine, tensors.below('synthesis'), config)
    this.postFilter = config.postfilter_width ? new PostFilter(machine, tensors.below('postfilter'), config) : null
  }

  /**
   * Decodes chunks to pixels of three colours.
   * @param {{layers: number, payload: Uint8Array}[]} chunks The first ones of a file.
   * @param {{width: number, height: number, quality: number, grey: boolean}} image
   * @param {object} [how] `denominator` of the scale, the `filter`, `onProgress` and `onCoarse`.
   */
  decode(chunks, image, { denominator = 1, filter = null, onProgress = () => {}, onCoarse = null } = {}) {
    return this.machine.scoped(() => {
      const pass = this.pass(chunks, image, { denominator, onProgress, onCoarse })
      const samples = this.samples(pass)
      if (denominator > CORRECTED) return this.smaller(samples, pass, denominator)
      const features = this.synthesis.run(samples, pass.state, pass.settings.quality)
      onProgress(0.6)
      if (denominator > 1) return this.smaller(samples, pass, denominator)
      return this.pixels(samples, features, pass, { filter, onProgress })
    })
  }

  /** Runs the pass over chunks. */
  pass(chunks, image, { denominator, onProgress, onCoarse }) {
    const held = chunks.reduce((sum, chunk) => sum + chunk.layers, 0)
    if (held > this.layers) throw new FormatError(`the file has ${held} layers, its weights have ${this.layers}`)
    const stop = denominator > 1 ? Math.min(layersNeeded(this.stages, denominator), held) : held
    const { width, height, grey } = image
    const quality = networkQuality(this.range, image.quality)
    const source = new ChunkReader(chunks)
    const pass = new Pass(this.chain, { width, height, grey, stop, quality }, source)
    for (const stride of STRIDES) {
      if (denominator > CORRECTED && pass.layer >= stop) break
      pass.runStride(stride)
      if (stride === 16 && onCoarse) onCoarse(this.smaller(this.samples(pass), pass, 8))
      onProgress(stride === 8 ? 0.4 : 0.05)
    }
    source.finish(stop)
    return pass
  }

  /** Returns the samples of what a pass has built. */
  samples({ planes, sizes }) {
    return samplesOf(planes, sizes, this.config.transform === 'lapped')
  }

  /** Returns the pixels at 1/denominator of the size. */
  smaller(samples, pass, denominator) {
    const sigma = sigmaOf(this.config, pass.settings.quality)
    return squares(samples, pass, denominator, (sum, count) => pixelOf((sigma * sum) / count))
  }

  /** Returns the pixels of samples and of what the post-filter and the adaptive filter add to them. */
  pixels(samples, features, pass, { filter, onProgress }) {
    const { width, height, quality } = pass.settings
    const sigma = sigmaOf(this.config, quality)
    const added = this.postFilter && ((use) => this.postFilter.run(samples, features, quality, use))
    const shown = filter ? new Float32Array(3 * width * height) : new Uint8Array(3 * width * height)
    const convert = filter ? (y) => sigma * y : (y) => pixelOf(sigma * y)
    show(samples, pass, added, { shown, convert, onProgress: (share) => onProgress(0.6 + 0.4 * share) })
    return { width, height, pixels: filter ? filtered(shown, width, height, filter) : shown }
  }
}

/** Returns the pixel of a grey level about 128. */
function pixelOf(level) {
  return byte(Math.floor(level + 128.5))
}
