/** Puts decoded images on canvases, turned as their metadata ask for. */

/** For each orientation of EXIF the canvas's transform, in units of the stored width w and height h. */
const TURNS = {
  1: () => [1, 0, 0, 1, 0, 0],
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (_, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (_, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
}

/** Returns width and height of an image as it is shown. */
export function shownSize({ width, height, orientation = 1 }) {
  return orientation > 4 ? { width: height, height: width } : { width, height }
}

/** Draws an image on a canvas, which takes its size. */
export function draw(canvas, image) {
  Object.assign(canvas, shownSize(image))
  const context = canvas.getContext('2d')
  const pixels = new ImageData(image.data, image.width, image.height)
  if ((image.orientation ?? 1) === 1) {
    context.putImageData(pixels, 0, 0)
    return
  }
  const stored = new OffscreenCanvas(image.width, image.height)
  stored.getContext('2d').putImageData(pixels, 0, 0)
  context.setTransform(...TURNS[image.orientation](image.width, image.height))
  context.drawImage(stored, 0, 0)
}
