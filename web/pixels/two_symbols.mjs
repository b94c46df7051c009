/** Weights of the entropy coder for two symbols. */

import { powerOf } from '../entropy/scores.mjs'

const { floor, max } = Math

/** Returns the weights of the entropy coder for two symbols of the scores 0 and `score`, in bits. */
export function weightsOfTwo(score) {
  const best = max(0, score)
  const [first, second] = [powerOf(best), powerOf(best - score)]
  const total = 2 ** 24 - 4
  const weight = floor((second * total) / (first + second))
  return [total - weight, weight]
}
