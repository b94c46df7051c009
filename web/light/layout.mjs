/** Which coefficients the groups of the light photograph network hold. */

const DETAILS = [
  [0, 3, 6],
  [1, 2, 4, 5, 7, 8],
]
const FINE = [
  ['y1', 'uv1'],
  ['y2', 'uv2'],
  ['y3', 'y4', 'uv3'],
  ['y5', 'y6', 'uv4-5'],
  ['y7', 'y8-9', 'y10-14', 'uv6-8'],
]

/** The strides, coarse first. */
export const STRIDES = [64, 32, 16, 8]

/** The number of coefficients of a position, by stride. */
export const COEFFICIENTS = { 64: 12, 32: 9, 16: 9, 8: 192 }

/** Returns the coefficients of a run such as uv6-8: of each diagonal by rising row, in uv of each frequency u, then v. */
function coefficientsOf(run) {
  const [, colours, first, last = first] = /^(y|uv)(\d+)(?:-(\d+))?$/.exec(run)
  const found = []
  for (let diagonal = Number(first); diagonal <= Number(last); diagonal++) {
    for (let i = Math.max(0, diagonal - 7); i <= Math.min(7, diagonal); i++) {
      const frequency = 8 * i + diagonal - i
      found.push(...(colours === 'y' ? [frequency] : [64 + frequency, 128 + frequency]))
    }
  }
  return found
}

/** The coefficients of each group of each stage, by stride. */
export const STAGES = {
  64: [[[9, 10, 11]], DETAILS],
  32: [DETAILS],
  16: [DETAILS],
  8: FINE.map((stage) => stage.map(coefficientsOf)),
}

/** The number of groups, which count as layers. */
export const LAYERS = STRIDES.reduce((sum, stride) => sum + STAGES[stride].flat().length, 0)

/** Tells whether a group holds coefficients of colour only. */
export function isChroma(stride, group) {
  return group.every((number) => (stride === 8 ? number >= 64 : number % 3 > 0))
}

/** Returns how many layers a picture at 1/denominator of the size needs. */
export function reducedLayers(denominator) {
  return layersNeeded(STAGES, denominator)
}

/** Returns how many layers of stages by stride a picture at 1/denominator of the size needs. */
export function layersNeeded(stages, denominator) {
  const side = 8 / denominator
  const shown = new Set()
  for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) shown.add(8 * row + column)
  shown.delete(0)
  let needed = 0
  let count = 0
  for (const stride of STRIDES) {
    for (const stage of stages[stride]) {
      count += stage.length
      if (stride > 8 || stage.some((group) => group.some((number) => shown.has(number)))) needed = count
    }
  }
  return needed
}
