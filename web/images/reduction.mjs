/** Smaller pictures by a box filter, to the last bit those of Pillow. */

const { ceil, floor, fround, min } = Math

/** Returns the means of squares of one channel of `channels`; those at the right and lower border may be smaller. */
export function reducedChannel(values, width, height, side, channels = 1, channel = 0) {
  const [columns, rows] = [ceil(width / side), ceil(height / side)]
  const found = new Uint8Array(columns * rows)
  for (let y = 0, to = 0; y < rows; y++) {
    const down = min(side, height - y * side)
    for (let x = 0; x < columns; x++, to++) {
      const across = min(side, width - x * side)
      const count = down * across
      let sum = floor(count / 2)
      for (let i = 0; i < down; i++) {
        const from = (y * side + i) * width + x * side
        for (let j = 0; j < across; j++) sum += values[(from + j) * channels + channel]
      }
      found[to] = floor((sum * floor(fround(2 ** 32 / (256 * count)))) / 2 ** 24)
    }
  }
  return found
}

/** Returns red, green, blue and alpha of a picture at 1/side of its size. */
export function reducedRgba(rgba, width, height, side) {
  const transparent = rgba.some((value, i) => i % 4 === 3 && value !== 255)
  const source = transparent ? premultiplied(rgba) : rgba
  const planes = [0, 1, 2, 3].map((channel) => reducedChannel(source, width, height, side, 4, channel))
  const out = new Uint8ClampedArray(4 * planes[0].length)
  for (let i = 0, to = 0; i < planes[0].length; i++, to += 4) {
    const alpha = planes[3][i]
    for (let c = 0; c < 3; c++) out[to + c] = transparent ? divided(planes[c][i], alpha) : planes[c][i]
    out[to + 3] = alpha
  }
  return out
}

function premultiplied(rgba) {
  return rgba.map((value, i) => {
    if (i % 4 === 3) return value
    const product = value * rgba[i | 3] + 128
    return ((product >> 8) + product) >> 8
  })
}

function divided(value, alpha) {
  return alpha === 0 || alpha === 255 ? value : min(255, floor((255 * value) / alpha))
}
