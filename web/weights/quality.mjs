/** How the quality of a file reaches the networks of photographs. */

/**
 * Returns the network quality at a quality as files store it.
 * @param {{lowest: number, highest: number, middle?: number}} range
 * @param {number} quality
 */
export function networkQuality({ lowest, highest, middle }, quality) {
  const [first, last, low, high] =
    middle === undefined
      ? [256, 25600, lowest, highest]
      : quality < 12800
        ? [256, 12800, lowest, middle]
        : [12800, 25600, middle, highest]
  const span = last - first
  return Math.floor((low * span + (quality - first) * (high - low) + span / 2) / span)
}

/** Returns sigma at a network quality, in grey levels. */
export function sigmaOf({ sigma_coarse: coarse, sigma_fine: fine }, quality) {
  return coarse * (fine / coarse) ** (quality / 4096)
}

/**
 * Returns what 17 knots, one after the other, are at a network quality.
 * @param {ArrayLike<number>} knots
 * @param {number} quality
 * @param {(sum: number) => number} finish Makes a number of 256 times it.
 */
export function between(knots, quality, finish) {
  const channels = knots.length / 17
  const low = Math.min(quality >> 8, 15)
  const part = quality - 256 * low
  return Float64Array.from({ length: channels }, (_, c) => {
    const at = low * channels + c
    return finish(knots[at] * (256 - part) + knots[at + channels] * part)
  })
}
