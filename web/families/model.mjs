/** A model of small images: inference, the top-down pass and the likelihood, all in whole numbers. */

import { DvcodecError, FormatError } from '../bitstream/errors.mjs'
import { ChunkReader } from '../entropy/chunks.mjs'
import { popScored } from '../entropy/scores.mjs'
import { elu, signed, stream } from './arithmetic.mjs'
import { BilevelPixels } from './bilevel.mjs'
import { ColourPixels } from './colours.mjs'
import { Latent } from './latent.mjs'
import { FamilyMap } from './maps.mjs'
import { downChain, upChain } from './networks.mjs'
import { decodeSet } from './set.mjs'

/** Hierarchies whose symbols are chosen in the top-down pass; those without skip connections are marked. */
const HIERARCHIES = { resnet: true, 'skip-lvae': true, lvae: false }

/** A model of a weights file. */
export class FamilyModel {
  /**
   * Takes what a weights file holds.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {{about: object, tensors: import('../weights/safetensors.mjs').Tensors}} weights
   */
  constructor(machine, { about: { config, name }, tensors }) {
    this.config = config
    this.machine = machine
    /** Pictures are of full size only. */
    this.fullSize = true
    refuseOthers(config, name)
    const { width, sides, image, channels, blocks } = config
    const levels = (this.levels = sides.length)
    this.layers = levels
    this.skips = HIERARCHIES[config.hierarchy]
    this.top = tensors.take('top', [1, width, 1, 1])
    this.entry = new FamilyMap(machine, tensors.below('stem.0'), channels, { square: true })
    this.stem = upChain(machine, tensors.below('stem'), config, image, sides[0], { first: 1 })
    const each = (make) => Array.from({ length: levels }, (_, level) => make(level))
    this.up = each((l) => upChain(machine, tensors.below(`up.${l}`), config, sides[Math.max(l - 1, 0)], sides[l], { blocks }))
    this.down = each((l) => downChain(machine, tensors.below(`down.${l}`), config, sides[l], sides[l + 1] ?? sides[l], blocks))
    this.latents = each((i) => new Latent(machine, tensors.below(`latents.${i}`), config, levels - 1 - i))
    this.synthesis = downChain(machine, tensors.below('synthesis'), config, image, sides[0], 0)
    const last = tensors.below(`synthesis.${this.synthesis.parts.length + 1}`)
    this.last = new FamilyMap(machine, last, width, { square: true })
    const Likelihood = channels === 1 ? BilevelPixels : ColourPixels
    this.likelihood = new Likelihood(machine, tensors.below('likelihood'), config)
  }

  /** Tells whether the model codes images of a mode and a size. */
  suits(mode, height, width) {
    return mode === (this.config.channels === 1 ? '1' : 'RGB') && height === this.config.image && width === height
  }

  /**
   * Returns the values of the bottom-up chain of an image by level, finest first.
   * @param {Uint8Array} samples
   */
  infer(samples) {
    const { config, entry, stem, up } = this
    const x = Int16Array.from(samples, config.channels === 1 ? (v) => (v ? 16 : -16) : (v) => v - 128)
    let h = stem.run(entry.square(x, config.image), config.image)
    return up.map((chain, level) => (h = chain.run(h, config.sides[Math.max(level - 1, 0)])))
  }

  /**
   * Runs the top-down pass over images, and returns the values of the chain of each.
   * @param {number} images
   * @param {(layer: Latent, values: Int16Array[]) => Uint16Array} choose Decides the symbols of a layer, by variable, then
   *   by image, then by position.
   * @param {number} [stop] The number of layers that are decoded; what others leave is left out.
   */
  topDown(images, choose, stop = this.levels) {
    const { sides } = this.config
    const side = sides[this.levels - 1]
    const begin = Int16Array.from({ length: side ** 2 * this.top.length }, (_, i) => this.top[i % this.top.length])
    let all = new Array(images).fill(begin)
    for (let level = this.levels - 1; level >= 0; level--) {
      all = all.map((d) => this.down[level].run(d, sides[level + 1] ?? side))
      const layer = this.latents[this.levels - 1 - level]
      if (this.levels - 1 - level >= stop) continue
      const symbols = choose(layer, all)
      all = all.map((d, image) => this.merged(d, layer.embedding(symbols, image, images)))
    }
    return all
  }

  merged(d, left) {
    return this.skips ? d.map((value, i) => stream(value + left[i])) : left
  }

  /** Returns the features of the likelihood for the values of a chain, in steps of 2^-4. */
  features(d) {
    const { sides, image } = this.config
    return Int16Array.from(this.last.square(elu(this.synthesis.run(d, sides[0])), image), signed)
  }

  /** Returns what decides a layer's symbols by reading them from a stack under the prior. */
  reading(stack) {
    return (layer, values) => {
      const symbols = new Uint16Array(layer.variables * values.length * layer.positions)
      const embeddings = values.map((d) => layer.prior(d))
      layer.eachRow(this.machine, embeddings, layer.priorScores, (scores, row) => (symbols[row] = popScored(stack, scores)))
      return symbols
    }
  }

  /** Returns the samples of a set of images; see `decodeSet`. */
  set(payload, count, onProgress) {
    return decodeSet(this, payload, count, onProgress)
  }

  /** Decodes the chunks of a lossy file to pixels of three colours; its quality has no effect. */
  decode(chunks, { width, height }, { onProgress = () => {} } = {}) {
    const { image, channels } = this.config
    if (width !== image || height !== image) {
      throw new DvcodecError(`these weights code images of ${image} x ${image} pixels, not ${width} x ${height}`)
    }
    const source = new ChunkReader(chunks)
    const stop = chunks.reduce((sum, chunk) => sum + chunk.layers, 0)
    if (stop > this.layers) throw new FormatError(`the file has ${stop} layers, its weights have ${this.layers}`)
    const [d] = this.topDown(1, (layer, values) => {
      source.begin(this.latents.indexOf(layer))
      return source.open.checked(this.reading(source.open.stack)(layer, values))
    }, stop)
    source.finish(stop)
    const samples = this.likelihood.samples([this.features(d)], this.likelihood.likeliest)
    onProgress(1)
    const pixels = channels === 1 ? Uint8Array.from({ length: 3 * samples.length }, (_, i) => samples[Math.floor(i / 3)]) : samples
    return { width, height, pixels }
  }
}

/** Refuses models that are not of the kinds that ship. */
function refuseOthers(config, name) {
  const known =
    (config.network ?? 'conv') === 'conv' &&
    ['elu', 'gated'].includes(config.block) &&
    config.hierarchy in HIERARCHIES &&
    config.top_prior !== 'rbm' &&
    config.likelihood === 'neighbours'
  if (!known) throw new DvcodecError(`this decoder does not run the weights ${name}`, 'use `dvcodec decompress`')
}
