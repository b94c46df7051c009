/** The lossy image beside lossless pixels: it has half of their size, and is brought to full size. */

/**
 * Returns an image of three colours at twice its size, cut to a width and a height.
 * @param {{width: number, height: number, pixels: Uint8Array}} small
 */
export function doubled({ width: across, height: down, pixels }, width, height) {
  const out = new Uint8Array(3 * width * height)
  const columns = Array.from({ length: width }, (_, x) => nearOf(x, across))
  for (let y = 0, to = 0; y < height; y++) {
    const [own, other] = nearOf(y, down).map((row) => 3 * row * across)
    for (let x = 0; x < width; x++) {
      const [near, beside] = columns[x]
      for (let c = 0; c < 3; c++, to++) {
        const own3 = 3 * pixels[own + 3 * near + c] + pixels[own + 3 * beside + c]
        const other3 = 3 * pixels[other + 3 * near + c] + pixels[other + 3 * beside + c]
        out[to] = (3 * own3 + other3 + 8) >> 4
      }
    }
  }
  return { width, height, pixels: out }
}

/** Returns in which pixel of a side a pixel of the doubled side lies, and the neighbour that it is nearer to. */
function nearOf(at, side) {
  const own = at >> 1
  const other = at & 1 ? own + 1 : own - 1
  return [own, Math.max(0, Math.min(other, side - 1))]
}
