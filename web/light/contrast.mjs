/** The contrasts of the light photograph network in integers: samples in steps of 2^-8, contrasts in steps of 2^-5. */

const { abs, floor, max, min } = Math
const CLOSEST = 4095

const COMPANDED = Int16Array.from({ length: 2 * CLOSEST + 1 }, (_, i) => {
  const t = i - CLOSEST
  return floor((256 * t + 256 + abs(t)) / (2 * (256 + abs(t))))
})

/** How contrasts are computed. */
export const COMPANDING = {
  Numbers: Int32Array,
  smooth: (sum) => floor((2 * sum + 9216) / 18432),
  companded: (sample, behind) => COMPANDED[min(max((16 * sample - behind + 128) >> 8, -CLOSEST), CLOSEST) + CLOSEST],
}
