/** Undoes the transforms of VP8L. Pixels are numbers 2^24 A + 2^16 R + 2^8 G + B. */

/** Adds two pixels, channel by channel, each modulo 256. */
function sum(a, b) {
  const outer = (a & 0xff00ff00) + (b & 0xff00ff00)
  return (outer & 0xff00ff00) | (((a & 0x00ff00ff) + (b & 0x00ff00ff)) & 0x00ff00ff)
}

function mean(a, b) {
  return (((a ^ b) & 0xfefefefe) >>> 1) + (a & b)
}

const SHIFTS = [0, 8, 16, 24]
const byte = (x) => (x < 0 ? 0 : x > 255 ? 255 : x)

function perChannel(combine, ...pixels) {
  return SHIFTS.reduce((found, shift) => found | (combine(...pixels.map((p) => (p >>> shift) & 255)) << shift), 0)
}

function selected(left, top, topLeft) {
  let [toLeft, toTop] = [0, 0]
  for (const shift of SHIFTS) {
    const corner = (topLeft >>> shift) & 255
    toLeft += Math.abs(((top >>> shift) & 255) - corner)
    toTop += Math.abs(((left >>> shift) & 255) - corner)
  }
  return toLeft < toTop ? left : top
}

const full = (left, top, topLeft) => perChannel((l, t, c) => byte(l + t - c), left, top, topLeft)
const half = (left, top, topLeft) => perChannel((m, c) => byte(m + Math.trunc((m - c) / 2)), mean(left, top), topLeft)

/** The predictors of a pixel from those to the left, above, above to the right and above to the left. */
const PREDICTORS = [
  () => 0xff000000,
  (left) => left,
  (_, top) => top,
  (_, __, topRight) => topRight,
  (_, __, ___, topLeft) => topLeft,
  (left, top, topRight) => mean(mean(left, topRight), top),
  (left, _, __, topLeft) => mean(left, topLeft),
  (left, top) => mean(left, top),
  (_, top, __, topLeft) => mean(topLeft, top),
  (_, top, topRight) => mean(top, topRight),
  (left, top, topRight, topLeft) => mean(mean(left, topLeft), mean(top, topRight)),
  (left, top, _, topLeft) => selected(left, top, topLeft),
  (left, top, _, topLeft) => full(left, top, topLeft),
  (left, top, _, topLeft) => half(left, top, topLeft),
  () => 0xff000000,
  () => 0xff000000,
]

/** Adds predictions to the pixels. */
export function predicted(pixels, width, height, blocks, bits, columns) {
  pixels[0] = sum(pixels[0], 0xff000000)
  for (let x = 1; x < width; x++) pixels[x] = sum(pixels[x], pixels[x - 1])
  for (let y = 1, at = width; y < height; y++) {
    pixels[at] = sum(pixels[at], pixels[at - width])
    at++
    for (let x = 1; x < width; x++, at++) {
      const predict = PREDICTORS[(blocks[(y >> bits) * columns + (x >> bits)] >>> 8) & 15]
      const above = at - width
      pixels[at] = sum(pixels[at], predict(pixels[at - 1], pixels[above], pixels[above + 1], pixels[above - 1]))
    }
  }
  return pixels
}

const signed = (x) => (x << 24) >> 24
const delta = (factor, value) => (signed(factor) * signed(value)) >> 5

/** Adds to red and blue what green and red say of them. */
export function crossColour(pixels, width, height, blocks, bits, columns) {
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const factors = blocks[(y >> bits) * columns + (x >> bits)]
      const pixel = pixels[at]
      const green = pixel >>> 8
      const red = ((pixel >>> 16) + delta(factors, green)) & 255
      const blue = (pixel + delta(factors >>> 8, green) + delta(factors >>> 16, red)) & 255
      pixels[at] = (pixel & 0xff00ff00) | (red << 16) | blue
    }
  }
  return pixels
}

/** Adds green to red and blue. */
export function subtractGreen(pixels) {
  for (let i = 0; i < pixels.length; i++) {
    const green = (pixels[i] >>> 8) & 255
    pixels[i] = sum(pixels[i], (green << 16) | green)
  }
  return pixels
}

/** Replaces indices by colours; several of them share a pixel where there are few colours. */
export function colourIndexing(pixels, width, height, differences, bits, packed) {
  const colours = new Uint32Array(256)
  differences.forEach((difference, i) => (colours[i] = i ? sum(colours[i - 1], difference) : difference))
  const [size, mask] = [8 >> bits, (1 << bits) - 1]
  const out = new Uint32Array(width * height)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const green = (pixels[y * packed + (x >> bits)] >>> 8) & 255
      out[at] = colours[(green >> (size * (x & mask))) & ((1 << size) - 1)]
    }
  }
  return out
}
