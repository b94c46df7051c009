/** Keeps account of the places of an archive, so that lost images can be named. */

/** The places that are taken. */
export class Places {
  constructor() {
    this.taken = new Set()
    this.top = 0
  }

  /** Takes rising places and returns true; if one of them is taken already, takes none and returns false. */
  take(positions) {
    this.top = Math.max(this.top, positions[positions.length - 1] + 1)
    if (positions.some((position) => this.taken.has(position))) return false
    for (const position of positions) this.taken.add(position)
    return true
  }

  /** Returns the runs of places below `total` that are free, [first, end] each; the first thousand at most. */
  missing(total) {
    const taken = [...this.taken].filter((position) => position < total).sort((a, b) => a - b)
    const runs = []
    let next = 0
    for (const position of [...taken, total]) {
      if (position > next && runs.length < 1000) runs.push([next, position])
      next = position + 1
    }
    return runs
  }
}

/** Returns rising places as runs of consecutive ones. */
export function runsOf(positions) {
  const runs = []
  for (const position of positions) {
    const last = runs[runs.length - 1]
    if (last && last[1] === position) last[1]++
    else runs.push([position, position + 1])
  }
  return runs
}

/** Returns `image 3`, or `images 3, 5 to 9 and more`, counted from 1. */
function inWords(runs) {
  const words = runs.slice(0, 4).map(([first, end]) => (end - first === 1 ? `${end}` : `${first + 1} to ${end}`))
  const plural = runs.length > 1 || runs[0][1] - runs[0][0] > 1 ? 's' : ''
  return `image${plural} ${words.join(', ')}${runs.length > 4 ? ' and more' : ''}`
}

/** Returns a fault and the images that are lost by it in one line, as the command line prints it. */
export function lossOf(reason, runs = [], names = []) {
  if (!runs.length) return reason
  const verb = runs.length === 1 && runs[0][1] - runs[0][0] === 1 ? 'is' : 'are'
  const known = names.filter((name) => name)
  const listed = (known.length <= 4 ? known : [...known.slice(0, 2), '...', known[known.length - 1]]).join(', ')
  return `${reason}: ${inWords(runs)} ${verb} lost${listed ? ` (${listed})` : ''}`
}
