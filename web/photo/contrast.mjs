/** The contrasts of the photograph network, in steps of 2^-12. */

const { abs, round } = Math

/** How contrasts are computed. */
export const COMPANDING = {
  Numbers: Float64Array,
  smooth: (sum) => sum / 576,
  companded: (sample, behind) => {
    const t = sample - behind / 256
    return round((4096 * t) / (4 + abs(t) / 4))
  },
}
