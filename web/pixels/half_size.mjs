/** The lossy image beside lossless pixels: it has half of their size, and is brought to full size. */

/**
 * Returns the samples of an image at twice its size, cut to a width and a height.
 * @param {Uint8Array} samples
 * @param {{width: number, height: number}} small The size of the image.
 * @param {number} channels
 */
export function doubled(samples, { width: across, height: down }, channels, width, height) {
  const out = new Uint8Array(channels * width * height)
  const columns = Array.from({ length: width }, (_, x) => nearOf(x, across).map((column) => channels * column))
  for (let y = 0, to = 0; y < height; y++) {
    const [own, other] = nearOf(y, down).map((row) => channels * row * across)
    for (let x = 0; x < width; x++) {
      const [near, beside] = columns[x]
      for (let c = 0; c < channels; c++, to++) {
        const mine = 3 * samples[own + near + c] + samples[own + beside + c]
        const others = 3 * samples[other + near + c] + samples[other + beside + c]
        out[to] = (3 * mine + others + 8) >> 4
      }
    }
  }
  return out
}

/** Returns in which pixel of a side a pixel of the doubled side lies, and the neighbour that it is nearer to. */
function nearOf(at, side) {
  const own = at >> 1
  const other = at & 1 ? own + 1 : own - 1
  return [own, Math.max(0, Math.min(other, side - 1))]
}
