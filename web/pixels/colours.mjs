/** Reversible colour transforms of lossless pixels: luminance and two differences. */

const ORDERS = ['RGB', 'RBG', 'GRB', 'GRB', 'RGB', 'BGR', 'GRB', 'GBR', 'RGB'].map((names) => [...names].map((name) => 'RGB'.indexOf(name)))
/** How many transforms there are. */
export const TRANSFORMS = ORDERS.length
/** The least value of each plane. */
export const LEAST = [0, -255, -255]
/** The greatest value of every plane. */
export const GREATEST = 255

/**
 * Returns the three planes of pixels, each of `count` values.
 * @param {Uint8Array} pixels Red, green and blue of each.
 */
export function planesOf(pixels, count, transform) {
  const planes = [0, 1, 2].map(() => new Int16Array(count))
  const [ia, ib, ic] = ORDERS[transform]
  for (let i = 0, at = 0; i < count; i++, at += 3) {
    const [a, b, c] = [pixels[at + ia], pixels[at + ib], pixels[at + ic]]
    if (transform < 3) {
      const middle = c + ((a - c) >> 1)
      planes[0][i] = middle + ((b - middle) >> 1)
      planes[1][i] = a - c
      planes[2][i] = b - middle
    } else {
      planes[0][i] = a
      planes[1][i] = b - a
      planes[2][i] = c - (transform < 6 ? a : (a + b) >> 1)
    }
  }
  return planes
}

/** Writes red, green and blue of a pixel's planes. */
export function writeColours(p0, p1, p2, transform, out, to) {
  const [ia, ib, ic] = ORDERS[transform]
  if (transform < 3) {
    const middle = p0 - (p2 >> 1)
    const c = middle - (p1 >> 1)
    out[to + ia] = c + p1
    out[to + ib] = middle + p2
    out[to + ic] = c
  } else {
    out[to + ia] = p0
    out[to + ib] = p0 + p1
    out[to + ic] = p2 + (transform < 6 ? p0 : (2 * p0 + p1) >> 1)
  }
}
