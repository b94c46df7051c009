/** The wavefronts of images of one size, of which each pixel sees some before it. */

const { ceil, floor, max, min } = Math

/** The places of pixels in planes that have zeros around them. */
export class Places {
  /**
   * Lays images out.
   * @param {number} images
   * @param {number} side
   * @param {number[]} reach Rows and columns that a pixel sees.
   */
  constructor(images, side, [rows, columns]) {
    this.images = images
    this.side = side
    this.lag = columns + 1
    this.margin = columns
    this.rows = rows
    this.width = side + 2 * columns
    this.size = (side + rows) * this.width
    this.fronts = side + this.lag * (side - 1)
    /** The most pixels of a front. */
    this.most = images * min(side, ceil(side / this.lag))
    this.offsets = offsetsOf(rows, columns)
    this.steps = Int32Array.from(this.offsets, ([dy, dx]) => dy * this.width + dx)
  }

  /** Returns the pixels of a front, image after image, of each by rising row: where they are. */
  of(front) {
    const { images, side, lag } = this
    const found = []
    const first = max(0, ceil((front - side + 1) / lag))
    for (let image = 0; image < images; image++) {
      for (let y = first; y <= min(side - 1, floor(front / lag)); y++) {
        const x = front - lag * y
        found.push({ image, y, x, at: image * this.size + (y + this.rows) * this.width + x + this.margin })
      }
    }
    return found
  }

  /** Tells whether a neighbour of a pixel is inside its image. */
  has({ y, x }, [dy, dx]) {
    return y + dy >= 0 && x + dx >= 0 && x + dx < this.side
  }
}

/** Returns the offsets of neighbours, the nearest first. */
function offsetsOf(rows, columns) {
  const found = []
  for (let dy = -rows; dy <= 0; dy++) for (let dx = -columns; dx <= (dy ? columns : -1); dx++) found.push([dy, dx])
  return found.sort(([a, b], [c, d]) => a * a + b * b - c * c - d * d || a - c || b - d)
}
