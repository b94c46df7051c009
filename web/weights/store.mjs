/** Where weights come from: each file is loaded when a .dvq file first names it, and its identity is checked. */

import { DvcodecError, WeightsNotFound } from '../bitstream/errors.mjs'
import { FamilyModel } from '../families/model.mjs'
import { Machine } from '../kernels/machine.mjs'
import { LightModel } from '../light/model.mjs'
import { PhotoModel } from '../photo/model.mjs'
import { BilevelModel } from '../pixels/bilevel.mjs'
import { WavefrontModel } from '../pixels/wavefront/model.mjs'
import { claims, readWeights } from './safetensors.mjs'

/** What each format of weights is for, and the model that it becomes; those without one are not decoded here. */
const FORMATS = {
  'dvcodec-light-1': { roles: ['hierarchy', 'prediction'], Model: LightModel },
  'dvcodec-photo-1': { roles: ['hierarchy'], Model: PhotoModel },
  'dvcodec-pixels-1': { roles: ['pixels'], Model: WavefrontModel },
  'dvcodec-bilevel-1': { roles: ['bilevel'], Model: BilevelModel },
  'dvcodec-family-1': { roles: ['hierarchy', 'set'], Model: FamilyModel },
}

/**
 * A weights file that may be loaded. Without an id it is loaded to find its id out.
 * @typedef {{name?: string, id?: string, format?: string, load: () => Promise<Uint8Array>}} WeightsSource
 */

/** Weights files, and the models that were made of them. */
export class WeightsStore {
  /** @param {WeightsSource[]} sources */
  constructor(sources) {
    this.sources = sources
    this.models = new Map()
    this.machine = null
  }

  /**
   * Returns the model that a file names.
   * @param {string} id The first 8 bytes of the identity, hexadecimal.
   * @param {'hierarchy' | 'prediction' | 'pixels' | 'bilevel' | 'set'} role What the model is for; a prediction is that of
   *   lossless pixels.
   */
  async model(id, role) {
    if (!this.models.has(id)) this.models.set(id, this.load(id))
    try {
      const { model, name, format } = await this.models.get(id)
      const { roles } = FORMATS[format] ?? { roles: [] }
      if (role === 'prediction' && roles.includes('hierarchy') && !roles.includes(role)) {
        throw new DvcodecError(`the weights ${name} cannot decode lossless files`)
      }
      if (!roles.includes(role)) throw new DvcodecError(`the file is not valid: it names the weights ${name}, which are of another kind`)
      if (!model) throw new DvcodecError(`this decoder does not run the weights ${name}`, 'use `dvcodec decompress`')
      return model
    } catch (error) {
      this.models.delete(id)
      throw error
    }
  }

  async load(id) {
    const source = await this.find(id)
    const { about } = source
    const { Model } = FORMATS[about.format] ?? {}
    if (!Model) return { model: null, name: about.name, format: about.format }
    this.machine ??= Machine.start()
    const machine = await this.machine
    const weights = await readWeights(await source.load())
    if (weights.id !== id) throw new DvcodecError('the weights file is not the one that was announced')
    return { model: new Model(machine, weights), name: about.name, format: about.format }
  }

  /** Returns the source of an id. */
  async find(id) {
    for (const source of this.sources) {
      source.about ??= source.id ? source : await announced(source)
      if (source.about.id === id) return source
    }
    throw new WeightsNotFound(id)
  }
}

/** Loads a file to find out what it is; keeps its bytes for the first use. */
async function announced(source) {
  const data = await source.load()
  source.load = async () => data
  return claims(data)
}
