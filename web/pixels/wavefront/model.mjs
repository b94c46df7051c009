/** Lossless pixels of photographs, each given those before it and the image that a photograph model predicts. */

import { stripRows } from '../../bitstream/container.mjs'
import { FormatError } from '../../bitstream/errors.mjs'
import { ChunkDecoder, Tables } from '../../entropy/rans.mjs'
import { GREATEST, LEAST, TRANSFORMS, planesOf, writeColours } from '../colours.mjs'
import { PixelNetwork } from './network.mjs'
import { ALPHABET, PlaneSource } from './source.mjs'
import { LINEAR, Tiles, inputsOf } from './tiles.mjs'

const { max, min } = Math
const CONTEXTS = 1640

/** The model of a weights file. */
export class WavefrontModel {
  /**
   * Takes what a weights file holds.
   * @param {import('../../kernels/machine.mjs').Machine} machine
   * @param {{about: object, tensors: import('../../weights/safetensors.mjs').Tensors}} weights
   */
  constructor(machine, { about: { config }, tensors }) {
    this.machine = machine
    this.predictors = config.predictors
    this.weights = tensors.take('tables', [CONTEXTS, ALPHABET.size])
    this.tables = new Tables(this.weights, ALPHABET.size)
    this.network = new PixelNetwork(machine, config, tensors, LINEAR, inputsOf(config.predictors))
  }

  /**
   * Returns the samples of an image, grey or of three colours.
   * @param {Uint8Array[]} strips
   * @param {{width: number, height: number, grey: boolean}} image
   * @param {Uint8Array} predicted Three colours of each pixel.
   * @param {(share: number) => void} onProgress
   */
  samples(strips, { width, height, grey }, predicted, onProgress) {
    const channels = grey ? 1 : 3
    const out = new Uint8Array(channels * width * height)
    strips.forEach((strip, i) => {
      const first = i * stripRows(width)
      const rows = min(stripRows(width), height - first)
      const report = (share) => onProgress((first + share * rows) / height)
      const seen = predicted.subarray(3 * first * width, 3 * (first + rows) * width)
      const into = out.subarray(channels * first * width, channels * (first + rows) * width)
      this.machine.scoped(() => this.strip(strip, { height: rows, width, channels }, seen, into, report))
    })
    return out
  }

  strip(strip, { height, width, channels }, predicted, out, onProgress) {
    const [transform, memories] = [strip[0] % 16, strip[0] >> 4]
    if (transform >= (channels === 1 ? 1 : TRANSFORMS)) throw new FormatError('a strip is not valid: an unknown colour transform')
    if (memories >> channels) throw new FormatError('a strip is not valid: a memory of a plane that it does not have')
    const tiles = new Tiles(height, width, this.predictors, planesOf(predicted, height * width, transform))
    const decoder = new ChunkDecoder(strip.subarray(1))
    const pass = new Pass(this, tiles, channels, new PlaneSource(decoder, this, memories))
    for (let front = 0; front < tiles.fronts; front++) {
      pass.front(front)
      if (front % 16 === 0) onProgress(front / tiles.fronts)
    }
    decoder.finish()
    pass.write(transform, out)
    onProgress(1)
  }
}

/** The pass over a strip, front after front and plane after plane. */
class Pass {
  constructor(model, tiles, channels, source) {
    Object.assign(this, { network: model.network, tiles, channels, source })
    const most = tiles.most
    const whole = () => new Int32Array(most)
    this.places = { at: whole(), row: whole(), column: whole(), y: whole(), x: whole(), inside: new Uint8Array(most) }
    this.bases = new Int16Array(3 * most)
    this.before = [new Int16Array(most), new Int16Array(most)]
    this.means = whole()
    this.kinds = whole()
    this.step = { count: 0, contexts: whole(), middles: whole(), keys: whole() }
    this.network.reserve(most)
  }

  front(front) {
    const { network, tiles, places, bases } = this
    const count = tiles.place(front, places)
    for (let i = 0; i < count; i++) tiles.features(places, i, bases, network.features, i * network.step)
    network.enter(count)
    for (let plane = 0; plane < this.channels; plane++) this.plane(plane, count)
  }

  plane(plane, count) {
    const { network, tiles, places, bases, means, kinds, before, step } = this
    network.plane(plane, count, before.slice(0, plane), means, kinds)
    this.gather(plane, count)
    const residuals = this.source.residuals(plane, step)
    for (let i = 0, j = 0; i < count; i++) {
      const residual = places.inside[i] ? residuals[j++] : 0
      const base = bases[3 * i + plane]
      const value = max(LEAST[plane], min(GREATEST, middleOf(means[i], base, plane) + residual))
      tiles.put(places.at[i], plane, value, base, network.predicted, 3 * tiles.predictors * i + tiles.predictors * plane)
      if (plane < 2) before[plane][i] = 16 * max(-127, min(127, residual))
    }
  }

  /** Gathers what the pixels that are coded are coded with. */
  gather(plane, count) {
    const { places, bases, means, kinds, step, tiles } = this
    let n = 0
    for (let i = 0; i < count; i++) {
      if (!places.inside[i]) continue
      const steps = stepsOf(means[i], bases[3 * i + plane], plane)
      const middle = (steps + 4) >> 3
      step.contexts[n] = 8 * kinds[i] + steps - 8 * middle + 4
      step.middles[n] = middle
      const { records } = tiles
      const at = places.at[i]
      step.keys[n] = plane === 0 ? 0 : plane === 1 ? records[at] : 256 * records[at] + (records[at + 1] & 255)
      n++
    }
    step.count = n
  }

  /** Writes the samples of the strip. */
  write(transform, out) {
    const { tiles, places, channels } = this
    const { records, width } = tiles
    for (let front = 0; front < tiles.fronts; front++) {
      const count = tiles.place(front, places)
      for (let i = 0; i < count; i++) {
        if (!places.inside[i]) continue
        const at = places.at[i]
        const pixel = places.y[i] * width + places.x[i]
        if (channels === 1) out[pixel] = records[at]
        else writeClamped(records, at, transform, out, 3 * pixel)
      }
    }
  }
}

/** Returns a mean in steps of 2^-3, within the range of its plane, given the base to which it is added. */
export function stepsOf(mean, base, plane) {
  return max(8 * LEAST[plane], min(8 * GREATEST, mean + 8 * base))
}

function middleOf(mean, base, plane) {
  return (stepsOf(mean, base, plane) + 4) >> 3
}

const colours = [0, 0, 0]

/** Writes a pixel's colours, as near as bytes come: those of damaged strips may be any. */
function writeClamped(records, at, transform, out, to) {
  writeColours(records[at], records[at + 1], records[at + 2], transform, colours, 0)
  for (let c = 0; c < 3; c++) out[to + c] = max(0, min(255, colours[c]))
}
