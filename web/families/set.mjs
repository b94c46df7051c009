/**
 * Sets of small images, coded by bits-back: the bits with which an encoder drew symbols come back when a decoder, which
 * knows the pixels by then, pushes these symbols again.
 */

import { FormatError } from '../bitstream/errors.mjs'
import { Reader } from '../bitstream/reader.mjs'
import { Stack, SymbolDecoder, wordsOf } from '../entropy/rans.mjs'
import { pushScored } from '../entropy/scores.mjs'

const SHARES = [8, 4, 2, 1]
const MOST = 256

/** Returns the numbers of images that are decoded together, in turn. */
function batches(count, share) {
  if (!SHARES.includes(share)) {
    throw new FormatError(`a set has 1 to ${MOST} images, not ${count}, in batches of a known share`)
  }
  const found = []
  for (let left = count; left > 0; left -= found.at(-1)) found.push(Math.max(1, Math.floor((left * share) / 16)))
  return found
}

/** Returns the words of a payload; the top of the stack comes first in the payload, and last here. */
function stackOf(body) {
  if (body.length % 4 || !body.length || !body.subarray(0, 4).some((byte) => byte)) {
    throw new FormatError('a set is not valid: its words are cut')
  }
  return new Stack(wordsOf(body).reverse())
}

/**
 * Returns the samples of all images, one after the other.
 * @param {import('./model.mjs').FamilyModel} model
 * @param {Uint8Array} payload
 * @param {number} count The number of images.
 * @param {(share: number) => void} onProgress
 */
export function decodeSet(model, payload, count, onProgress) {
  const reader = new Reader(payload)
  const plan = batches(count, reader.number(1))
  const drawn = reader.bits('the batches of a set', plan.length)
  const stack = stackOf(payload.subarray(reader.position))
  let done = 0
  const parts = plan.map((size, i) => {
    const samples = batch(model, stack, size, drawn[i])
    onProgress((done += size) / count)
    return samples
  })
  if (stack.remainder) throw new FormatError('a set is not valid: bits are left over')
  return joined(parts)
}

function joined(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  parts.reduce((at, part) => {
    out.set(part, at)
    return at + part.length
  }, 0)
  return out
}

/** Decodes a batch, and pushes its symbols again if they were drawn. */
function batch(model, stack, size, drawn) {
  const read = model.reading(stack)
  const known = new Map()
  const values = model.topDown(size, (layer, all) => {
    known.set(layer, read(layer, all))
    return known.get(layer)
  })
  const samples = model.likelihood.samples(values.map((d) => model.features(d)), model.likelihood.reading(new SymbolDecoder(stack)))
  if (drawn) giveBack(model, stack, known, samples, size)
  return samples
}

function giveBack(model, stack, known, samples, size) {
  const length = samples.length / size
  const inferred = Array.from({ length: size }, (_, i) => model.infer(samples.subarray(i * length, (i + 1) * length)))
  const posteriors = []
  model.topDown(size, (layer, all) => {
    posteriors.push([layer, all.map((d, i) => layer.posterior(inferred[i][layer.level], d))])
    return known.get(layer)
  })
  for (const [layer, embeddings] of posteriors.reverse()) {
    const symbols = known.get(layer)
    layer.eachRow(model.machine, embeddings, layer.scores, (scores, row) => pushScored(stack, scores, symbols[row]), true)
  }
}
